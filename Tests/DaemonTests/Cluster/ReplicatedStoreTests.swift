import HTTP
import Model
import Platform
import Raft
import RaftSimulation
import Store
import TestSupport
import Testing

@testable import Daemon

/// The store under real Raft members: threads, log files and SQLite in temporary folders, messages handed over in memory.
/// scenarios.md, Raft and storage, 17.
@Suite struct ReplicatedStoreTests {
    /// A manager's lower half.
    private struct MemberOfGroup {
        let id: NodeID
        let store: Store
        let node: RaftNode

        private static let keys = DataKeys(.first())

        static func start(
            _ number: UInt64, in folder: String, network: LocalNetwork, founds: Bool, snapshotAfter entries: UInt64
        ) async throws -> MemberOfGroup {
            let id = NodeID(number)
            let directory = "\(folder)/\(number)"
            try Files.createDirectories(directory)
            let store = try Store(path: directory + "/state.db", keys: keys)
            var settings = RaftSettings()
            settings.snapshotAfterEntries = entries
            settings.trailingEntries = 2
            settings.segmentBytes = 1 << 16
            settings.checkpointInterval = .milliseconds(200)
            var options = RaftNode.Options(id: id, directory: directory + "/raft", settings: settings)
            options.sealing = FileSealing(keys)
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
        try await eventually("the same state") { second.store.digest == first.store.digest }
        #expect(second.store.snapshot.count(Network.self) == 61)
        #expect(second.node.status.snapshotIndex >= 20)
        try await second.stop()
        try await first.stop()
    }

    /// A follower's row is not what was written: it is found, the member answers nothing meanwhile, and has the leader's then.
    @Test(.timeLimit(.minutes(1)))
    func aStateThatDiffersIsReplaced() async throws {
        let folder = try TemporaryDirectory()
        let network = LocalNetwork()
        let first = try await MemberOfGroup.start(
            1, in: folder.path, network: network, founds: true, snapshotAfter: 500)
        try await eventually(within: .seconds(10), "a leader") { first.node.status.role == .leader }
        var members = [first]
        for number in 2...3 as ClosedRange<UInt64> {
            let member = try await MemberOfGroup.start(
                number, in: folder.path, network: network, founds: false, snapshotAfter: 500)
            try await first.node.addVoter(Member(id: member.id, address: "m\(number)"))
            members.append(member)
        }
        try await write((0..<20).map { "n\($0)" }, through: first)
        let victim = members[2]
        try await eventually("the same state") { victim.store.digest == first.store.digest }
        // As if entry and row had come out differently there: the digest is that of its own rows.
        let other = Store()
        let (_, position) = victim.store.standing
        try await write(["x"], to: other)
        try victim.store.replace(by: other.snapshot, at: position)
        let begin = ContinuousClock.now
        var round = 0
        while victim.store.snapshot.count(Network.self) < 20, ContinuousClock.now < begin + .seconds(20) {
            round += 1
            try await write(["later-\(round)"], through: first)
            try await Task.sleep(for: .milliseconds(20))
        }
        try await eventually("mended") {
            victim.node.status.divergence == nil && victim.store.digest == first.store.digest
        }
        #expect(victim.store.snapshot.count(Network.self) == 20 + round)
        #expect(victim.store.isSound())
        try await eventually("nobody differs") { first.node.status.differing.isEmpty }
        for member in members.reversed() { try await member.stop() }
    }

    private func write(_ names: [String], to store: Store) async throws {
        for (number, name) in names.enumerated() {
            var transaction = Transaction(store.snapshot, at: WallClock.now())
            try transaction.put(Network(id: "id-\(name)", createdAt: transaction.now, name: name))
            let command = try #require(try transaction.commands().first).encoded
            _ = try store.apply(index: UInt64(number) + 1, term: 1, command: command)
        }
    }

    /// Whoever reads it can do something about it.
    @Test func aFullDiskIsSaidWithWhatHelps() throws {
        let error = try #require(
            RaftProposer.answer(RaftError(.diskFull, "no space for more log entries")) as? HTTPError)
        #expect(error.status == .serviceUnavailable)
        #expect(
            error.message.contains("disk of the manager that leads is full") && error.message.contains("Make space"))
    }

    /// A command of a later version stops the member, with words that say what to do.
    @Test(.timeLimit(.minutes(1)))
    func whatIsNotKnownStopsTheMember() async throws {
        let folder = try TemporaryDirectory()
        let member = try await MemberOfGroup.start(
            1, in: folder.path, network: LocalNetwork(), founds: true, snapshotAfter: 500)
        try await eventually(within: .seconds(10), "a leader") { member.node.status.role == .leader }
        await #expect(throws: RaftError.self) {
            try await member.node.propose(Command(kind: "telepathy", payload: []).encoded)
        }
        let failure = try #require(await member.node.stopped())
        #expect(
            "\(failure)".contains("the command kind telepathy, which this version does not know: upgrade this manager"))
        // It does not skip the entry at its next start either.
        try member.store.close()
        let again = try await MemberOfGroup.start(
            1, in: folder.path, network: LocalNetwork(), founds: false, snapshotAfter: 500)
        #expect(await again.node.stopped() != nil)
        try again.store.close()
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
