import TestSupport
import Testing

@testable import Discovery

@Suite struct VersionQueueTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func copiesStayAsTheyAre(seed: UInt64) {
        var random = Seeded(seed)
        var queues: [(queue: VersionQueue, model: [UInt64])] = [(VersionQueue(), [])]
        for step in 0..<4_000 {
            // Also copies that others have gone on from go on themselves.
            let which = Int.random(in: 0..<queues.count, using: &random)
            if Int.random(in: 0..<3, using: &random) > 0 || queues[which].model.isEmpty {
                let revision = (queues[which].model.last ?? 0) + UInt64.random(in: 1...3, using: &random)
                queues[which].queue.append(version(revision))
                queues[which].model.append(revision)
            } else {
                queues[which].queue.removeFirst()
                queues[which].model.removeFirst()
            }
            if step % 200 == 199 {
                if queues.count > 8 { queues.removeFirst() }
                queues.append(queues[queues.count - 1])
            }
        }
        for (queue, model) in queues {
            #expect(queue.count == model.count && queue.first?.modify == model.first)
            #expect(revisions(queue, after: 0) == model)
            for after in [model.first ?? 0, (model.last ?? 0) / 2, model.last ?? 0] {
                #expect(revisions(queue, after: after) == model.filter { $0 > after })
            }
        }
    }

    @Test func whatIsTakenOutEntirelyBeginsAnew() {
        var queue = VersionQueue()
        for round in 0..<3 as Range<UInt64> {
            for revision in 1...300 as ClosedRange<UInt64> { queue.append(version(round * 1_000 + revision)) }
            for _ in 1...300 { queue.removeFirst() }
            #expect(queue.isEmpty && queue.first == nil)
        }
    }

    private func version(_ revision: UInt64) -> KeyVersion {
        KeyVersion(key: [1], value: [], create: 1, modify: revision)
    }

    private func revisions(_ queue: VersionQueue, after revision: UInt64) -> [UInt64] {
        var all: [UInt64] = []
        queue.visit(after: revision) {
            all.append($0.modify)
            return true
        }
        return all
    }
}
