import Model
import Platform
import Raft
import RaftSimulation
import Store
import TestSupport
import Testing

@testable import Daemon

/// The store under real Raft members: threads, log files and SQLite in temporary folders, messages handed over in memory.
@Suite struct ReplicatedStoreTests {
    /// A manager's lower half.
    private struct MemberOfGroup {
        let id: NodeID
        let store: Store
        let node: RaftNode

        static func start(
            _ number: UInt64, in folder: String, network: LocalNetwork, founds: Bool, snapshotAfter entries: UInt64
        ) async throws -> MemberOfGroup {
            let id = NodeID(number)
            let directory = "\(folder)/\(number)"
            try Files.createDirectories(directory)
            let store = try Store(path: directory + "/state.db")
            var settings = RaftSettings()
            settings.snapshotAfterEntries = entries
            settings.trailingEntries = 2
            settings.segmentBytes = 1 << 16
            var options = RaftNode.Options(id: id, directory: directory + "/raft", settings: settings)
            if founds { options.founders = Configuration(voters: [Member(id: id, address: "m\(number)")]) }
            let node = try await RaftNode.start(options, stateMachine: ReplicatedStore(store), transport: network)
            network.attach(node)
            return MemberOfGroup(id: id, store: store, node: node)
        }

        func stop() async throws {
            await node.stop()
            try store.close()
        }
    }

    private func write(_ names: [String], through member: MemberOfGroup) async throws {
        for name in names {
            try await member.store.update(through: RaftProposer(node: member.node), at: WallClock.now()) {
                transaction in
                try transaction.put(Network(id: "id-\(name)", createdAt: transaction.now, name: name))
            }
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aNewMemberTakesTheSnapshotAndWhatFollows() async throws {
        let folder = try TemporaryDirectory()
        let network = LocalNetwork()
        let first = try await MemberOfGroup.start(1, in: folder.path, network: network, founds: true, snapshotAfter: 20)
        try await eventually(within: .seconds(10), "a leader") { first.node.status.role == .leader }
        try await write((0..<60).map { "before-\($0)" }, through: first)
        try await eventually("a snapshot") { first.node.status.snapshotIndex >= 20 }
        let second = try await MemberOfGroup.start(
            2, in: folder.path, network: network, founds: false, snapshotAfter: 20)
        try await first.node.addVoter(Member(id: second.id, address: "m2"))
        try await write(["after"], through: first)
        try await eventually("the same state") { second.store.stateHash == first.store.stateHash }
        #expect(second.store.snapshot.count(Network.self) == 61)
        #expect(second.node.status.snapshotIndex >= 20)
        try await second.stop()
        try await first.stop()
    }

    @Test(.timeLimit(.minutes(1)))
    func everyEntryIsAppliedOnceAcrossRestarts() async throws {
        let folder = try TemporaryDirectory()
        var revisions: [UInt64] = []
        for round in 0..<4 {
            let member = try await MemberOfGroup.start(
                1, in: folder.path, network: LocalNetwork(), founds: round == 0, snapshotAfter: 7)
            try await eventually(within: .seconds(10), "a leader") { member.node.status.role == .leader }
            try await write((0..<10).map { "r\(round)-\($0)" }, through: member)
            revisions.append(member.store.revision)
            #expect(member.store.snapshot.count(Network.self) == (round + 1) * 10)
            // Without closing the store first: what SQLite did not get is replayed from the log.
            await member.node.stop()
            if round % 2 == 0 { try member.store.close() }
        }
        #expect(revisions == [10, 20, 30, 40])
    }
}
