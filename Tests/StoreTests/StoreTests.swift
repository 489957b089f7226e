import Model
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Store

@Suite struct StoreTests {
    @Test func writesAreReadBackWithTheirRevision() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        let made = try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        #expect(made.revision == 1)
        #expect(store.snapshot.get(Service.self, "s1")?.version.index == 1)
        #expect(store.snapshot.named(Service.self, "WEB").map(\.id) == ["s1"])
        try await store.update(through: proposer, at: start + .seconds(1)) { tx in
            var service = try #require(tx.get(Service.self, "s1"))
            service.spec.mode = .replicated(5)
            try tx.put(service)
            #expect(tx.get(Service.self, "s1")?.spec.mode?.replicated?.replicas == 5)
        }
        let service = try #require(store.snapshot.get(Service.self, "s1"))
        #expect(service.version.index == 2)
        #expect(service.updatedAt == start + .seconds(1))
        #expect(service.spec.mode?.replicated?.replicas == 5)
    }

    @Test func aWriteThatSaysNothingNewIsNone() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        try await store.update(through: proposer, at: start + .seconds(9)) { tx in
            try tx.put(makeService("s1", name: "web"))
        }
        #expect(store.revision == 1)
    }

    @Test func indexesFollowTheRows() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        try await store.update(through: proposer, at: start) { tx in
            for number in 1...3 { try tx.put(makeTask("t\(number)", service: "s1", slot: number, node: "n1")) }
            try tx.put(makeTask("t4", service: "s2", slot: 1))
        }
        #expect(store.snapshot.tasks(ofService: "s1").map(\.id) == ["t1", "t2", "t3"])
        #expect(store.snapshot.tasks(onNode: "n1").map(\.id) == ["t1", "t2", "t3"])
        try await store.update(through: proposer, at: start) { tx in
            var task = try #require(tx.get(ClusterTask.self, "t4"))
            task.nodeID = "n1"
            try tx.put(task)
            tx.delete(ClusterTask.self, "t2")
        }
        #expect(store.snapshot.tasks(onNode: "n1").map(\.id) == ["t1", "t3", "t4"])
        #expect(store.snapshot.tasks(ofService: "s1").map(\.id) == ["t1", "t3"])
        #expect(store.snapshot.withIDPrefix(ClusterTask.self, "t", limit: 2).map(\.id) == ["t1", "t3"])
    }

    @Test func theSecondOfTwoWritersIsRejected() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        var first = Transaction(store.snapshot, at: start)
        var second = Transaction(store.snapshot, at: start)
        var service = try #require(store.snapshot.get(Service.self, "s1"))
        service.spec.mode = .replicated(2)
        try first.put(service)
        service.spec.mode = .replicated(3)
        try second.put(service)
        try await store.commit(first, through: proposer)
        let error = await #expect(throws: StoreError.self) { try await store.commit(second, through: proposer) }
        #expect(error?.conflict == Conflict(.changed, table: "service", id: "s1"))
        #expect(store.revision == 2)
        #expect(store.snapshot.get(Service.self, "s1")?.spec.mode?.replicated?.replicas == 2)
    }

    @Test func concurrentUpdatesAllHappen() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        try await store.update(through: proposer, at: start) { tx in
            try tx.put(makeService("s1", name: "web", replicas: 0))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await store.update(through: proposer, at: start) { tx in
                        var service = try #require(tx.get(Service.self, "s1"))
                        service.spec.mode = .replicated((service.spec.mode?.replicated?.replicas ?? 0) + 1)
                        try tx.put(service)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(store.snapshot.get(Service.self, "s1")?.spec.mode?.replicated?.replicas == 8)
    }

    @Test func aNameIsGivenOnce() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        var early = Transaction(store.snapshot, at: start)
        try early.put(makeService("s2", name: "web"))
        try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        await #expect(throws: StoreError.self) {
            try await store.update(through: proposer, at: start) { try $0.put(makeService("s3", name: "Web")) }
        }
        let error = await #expect(throws: StoreError.self) { try await store.commit(early, through: proposer) }
        #expect(error?.conflict?.reason == .nameTaken)
        #expect(store.snapshot.count(Service.self) == 1)
    }

    @Test func bigTransactionsAreSplitOnlyWhereAllowed() async throws {
        let store = Store()
        let proposer = LocalProposer(store)
        var many = Transaction(store.snapshot, at: start)
        for number in 0..<450 { try many.put(makeTask("t\(number)", service: "s1", slot: number)) }
        #expect(try many.commands().count == 3)
        #expect(try await store.commit(many, through: proposer) == 3)
        #expect(store.snapshot.count(ClusterTask.self) == 450)
        await #expect(throws: StoreError.self) {
            try await store.update(through: proposer, at: start) { tx in
                for number in 0..<450 { tx.delete(ClusterTask.self, "t\(number)") }
            }
        }
    }

    @Test func createdAndDeletedIsNothing() throws {
        var transaction = Transaction(Store().snapshot, at: start)
        try transaction.put(makeService("s1", name: "web"))
        transaction.delete(Service.self, "s1")
        #expect(transaction.isEmpty)
        #expect(try transaction.commands().isEmpty)
    }

    @Test func commandsOfTheFutureStopTheMember() throws {
        let store = Store()
        let future = Command(kind: "telepathy", payload: [])
        let error = #expect(throws: StoreError.self) { try store.apply(index: 1, term: 1, command: future.encoded) }
        #expect(error?.code == .unknownKind)
        let write = ObjectsCommand.Write(table: "moon", id: "m", expected: 0, object: Array("{}".utf8))
        let table = #expect(throws: StoreError.self) {
            try store.apply(index: 1, term: 1, command: ObjectsCommand.command([write]).encoded)
        }
        #expect(table?.code == .unknownKind)
        #expect(store.applied.index == 0)
    }

    @Test func entriesAreAppliedOnceAndInOrder() throws {
        let store = Store()
        _ = try store.apply(index: 5, term: 2, command: [])
        #expect(store.applied == LogPosition(index: 5, term: 2))
        #expect(throws: StoreError.self) { try store.apply(index: 5, term: 2, command: []) }
    }

    @Test func garbageIsRefused() throws {
        var random = Seeded(7)
        let store = Store()
        let valid = ObjectsCommand.command([
            .init(
                table: "service", id: "s1", expected: 0, object: try ObjectCoding.encode(makeService("s1", name: "w")))
        ]).encoded
        for _ in 0..<2000 {
            var bytes = valid
            for _ in 0...Int(random.next() % 4) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.next() % 3 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
            _ = try? store.apply(index: store.applied.index + 1, term: 1, command: bytes)
        }
        let before = store.digest
        for _ in 0..<200 {
            var bytes = store.snapshotBytes().bytes
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 0x40
            #expect(throws: StoreError.self) { try store.restore(bytes) }
        }
        #expect(store.digest == before)
    }

    @Test func theEnvelopeStaysAsItIs() throws {
        let write = ObjectsCommand.Write(table: "node", id: "n1", expected: 7, object: nil)
        let bytes = ObjectsCommand.command([write]).encoded
        #expect(
            Digest.hex(bytes) == "01" + "07000000" + "6f626a65637473" + "01000000" + "02" + "04000000" + "6e6f6465"
                + "02000000" + "6e31" + "0700000000000000")
        let result = CommandResult.applied(revision: 3, output: [9])
        #expect(Digest.hex(result.encoded) == "01" + "0300000000000000" + "01000000" + "09")
        #expect(try CommandResult(decoding: result.encoded) == result)
        let conflict = CommandResult.conflict(Conflict(.nameTaken, table: "service", id: "s", name: "web"))
        #expect(try CommandResult(decoding: conflict.encoded) == conflict)
    }

    /// Only what the state refused is computed and proposed anew: docs/decisions/0014.
    @Test func anUpdateWhoseAnswerIsLostIsNotProposedAgain() async throws {
        struct Lost: Error {}
        final class Losing: Proposer {
            let inner: LocalProposer
            let count = Atomic(0)

            init(_ store: Store) { inner = LocalProposer(store) }

            func propose(_ command: [UInt8]) async throws -> [UInt8] {
                count.add(1, ordering: .relaxed)
                _ = try await inner.propose(command)
                throw Lost()
            }
        }
        let store = Store()
        let proposer = Losing(store)
        await #expect(throws: Lost.self) {
            try await store.update(through: proposer, at: start) { try $0.put(makeService("s1", name: "web")) }
        }
        #expect(proposer.count.load(ordering: .relaxed) == 1 && store.revision == 1)
    }
}
