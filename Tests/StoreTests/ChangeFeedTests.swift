import Model
import Testing

@testable import Store

@Suite struct ChangeFeedTests {
    @Test(.timeLimit(.minutes(1))) func aWatcherSeesEveryChangeOnce() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        try await store.update(through: proposer, at: start) { try $0.put(makeTask("t0", service: "s", slot: 1)) }
        let (snapshot, feed) = store.watch()
        #expect(snapshot.revision == 1)
        let writer = Task {
            for number in 1...100 {
                try await store.update(through: proposer, at: start) { tx in
                    try tx.put(makeTask("t\(number)", service: "s", slot: number))
                }
            }
        }
        var revisions: [UInt64] = []
        var ids: [String] = []
        for await event in feed {
            guard case .changes(let revision, let changes) = event else {
                Issue.record("lagged")
                break
            }
            revisions.append(revision)
            ids += changes.compactMap { $0.after(ClusterTask.self)?.id }
            #expect(changes.allSatisfy { $0.before(ClusterTask.self) == nil })
            if revision == 101 { break }
        }
        try await writer.value
        #expect(revisions == Array(2...101))
        #expect(ids == (1...100).map { "t\($0)" })
    }

    @Test(.timeLimit(.minutes(1))) func aSlowWatcherIsToldToReadAgain() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        let (_, feed) = store.watch(limit: 10)
        for number in 1...20 {
            try await store.update(through: proposer, at: start) { tx in
                try tx.put(makeTask("t\(number)", service: "s", slot: number))
            }
        }
        var iterator = feed.makeAsyncIterator()
        guard case .lagged? = await iterator.next() else {
            Issue.record("not lagged")
            return
        }
        try await store.update(through: proposer, at: start) { try $0.put(makeTask("t21", service: "s", slot: 21)) }
        guard case .changes(21, _)? = await iterator.next() else {
            Issue.record("the feed does not go on")
            return
        }
        feed.cancel()
        #expect(await iterator.next() == nil)
    }

    @Test(.timeLimit(.minutes(1))) func waitingForARevisionEnds() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        let waiting = Task { await store.reach(revision: 2) }
        try await store.update(through: proposer, at: start) { try $0.put(makeTask("t1", service: "s", slot: 1)) }
        try await store.update(through: proposer, at: start) { try $0.put(makeTask("t2", service: "s", slot: 2)) }
        await waiting.value
        let never = Task { await store.reach(revision: 99) }
        never.cancel()
        await never.value
    }
}
