import Foundation
import RaftSimulation
import Testing

@testable import Raft

/// scenarios.md, Raft and storage, 18: a group goes on from one copy of its state; real threads, real files.
@Suite(.timeLimit(.minutes(1))) struct GroupRecoveryTests {
    private final class Group: Sendable {
        let network = LocalNetwork()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("raft-\(UUID().uuidString)").path

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func options(_ number: UInt64, founding: Bool = false) -> RaftNode.Options {
            var settings = RaftSettings()
            settings.snapshotAfterEntries = 40
            settings.trailingEntries = 4
            settings.segmentBytes = 1 << 14
            let id = NodeID(number)
            return .init(
                id: id, directory: "\(folder)/\(number)", settings: settings,
                founders: founding ? Configuration(voters: [Member(id: id, address: "m\(number)")]) : nil)
        }

        func start(_ number: UInt64, _ machine: RecordingStateMachine, founding: Bool = false) async throws -> RaftNode
        {
            let node = try await RaftNode.start(
                options(number, founding: founding), stateMachine: machine, transport: network)
            network.attach(node)
            return node
        }

        func stop(_ node: RaftNode) async {
            network.silence(node.id)
            network.detach(node.id)
            await node.stop()
            network.unsilence(node.id)
        }
    }

    private func leads(_ node: RaftNode) async throws {
        let end = Date().addingTimeInterval(10)
        while node.status.role != .leader, Date() < end { try await Task.sleep(for: .milliseconds(5)) }
        try #require(node.status.role == .leader)
    }

    private func add(_ number: UInt64, to leader: RaftNode) async throws {
        for _ in 0..<500 {
            do {
                try await leader.addVoter(Member(id: NodeID(number), address: "m\(number)"))
                return
            } catch let error as RaftError where error.code == .changeInProgress {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        Issue.record("member \(number) was not added")
    }

    private func three(_ group: Group) async throws -> [(node: RaftNode, machine: RecordingStateMachine)] {
        let machines = (0..<3).map { _ in RecordingStateMachine() }
        let first = try await group.start(1, machines[0], founding: true)
        try await leads(first)
        var members = [(node: first, machine: machines[0])]
        for number in 2...3 as ClosedRange<UInt64> {
            members.append((try await group.start(number, machines[Int(number) - 1]), machines[Int(number) - 1]))
            try await add(number, to: first)
        }
        return members
    }

    @Test(arguments: [10, 90]) func theLastOneGoesOnWithAllThatReachedIt(count: UInt8) async throws {
        let group = Group()
        let members = try await three(group)
        let commands = (1...count).map { [$0] }
        for command in commands { _ = try await members[0].node.propose(command) }
        // The third has everything, and is not told what is committed of the end.
        let last = members[0].node.status.lastIndex
        while members[2].node.status.lastIndex < last { try await Task.sleep(for: .milliseconds(2)) }
        for member in members.reversed() { await group.stop(member.node) }

        let survivor = NodeID(3)
        let dropped = try RaftNode.forceNewGroup(group.options(3), at: "m3")
        #expect(dropped.map(\.id) == [NodeID(1), NodeID(2)])
        #expect(try RaftNode.forceNewGroup(group.options(3), at: "m3").isEmpty, "done once, there is nothing to do")
        let machine = RecordingStateMachine()
        let alone = try await group.start(3, machine)
        try await leads(alone)
        _ = try await alone.readIndex()
        #expect(machine.commands == commands)
        #expect(alone.status.configuration.voters.map(\.id) == [survivor])
        _ = try await alone.propose([200])

        // It grows again; the new member gets everything.
        let other = RecordingStateMachine()
        let fourth = try await group.start(4, other)
        try await add(4, to: alone)
        _ = try await alone.propose([201])
        let end = Date().addingTimeInterval(10)
        while other.commands.count < commands.count + 2, Date() < end { try await Task.sleep(for: .milliseconds(5)) }
        #expect(other.commands == commands + [[200], [201]])
        await group.stop(fourth)
        await group.stop(alone)
    }

    @Test func whoeverWasNeverAMemberIsNoCopy() async throws {
        let group = Group()
        let node = try await group.start(1, RecordingStateMachine())
        await group.stop(node)
        #expect("no log") { try RaftNode.forceNewGroup(group.options(1), at: "m1") } throws: {
            ($0 as? RaftError)?.code == .invalidChange
        }
    }

    @Test func whatKeepsTheDroppedFromBeingWrittenDownKeepsEverythingAsItIs() async throws {
        struct Refusal: Error {}
        let group = Group()
        let members = try await three(group)
        _ = try await members[0].node.propose([1])
        for member in members.reversed() { await group.stop(member.node) }
        #expect(throws: Refusal.self) {
            try RaftNode.forceNewGroup(group.options(3), at: "m3") { _ in throw Refusal() }
        }
        #expect(try RaftNode.configuration(group.options(3)).voters.count == 3)
    }

    @Test func aGroupIsFoundedOnAState() async throws {
        let group = Group()
        let machine = RecordingStateMachine()
        let state = StateSnapshot(index: 70, source: Text("1;2;3"))
        try RaftNode.found(group.options(1, founding: true), on: state, term: 5)
        #expect("it is there already") {
            try RaftNode.found(group.options(1, founding: true), on: state, term: 5)
        } throws: { ($0 as? RaftError)?.code == .alreadyInUse }
        let first = try await group.start(1, machine, founding: true)
        try await leads(first)
        #expect(machine.commands == [[1], [2], [3]])
        #expect(first.status.term > 5)
        #expect(try await first.propose([4]).index > 70)
        // Who is added gets what was there before the log.
        let other = RecordingStateMachine()
        let second = try await group.start(2, other)
        try await add(2, to: first)
        _ = try await first.propose([5])
        let end = Date().addingTimeInterval(10)
        while other.commands.count < 5, Date() < end { try await Task.sleep(for: .milliseconds(5)) }
        #expect(other.commands == [[1], [2], [3], [4], [5]])
        await group.stop(second)
        await group.stop(first)
    }

    private final class Text: ByteSource {
        private var rest: ArraySlice<UInt8>
        init(_ text: String) { rest = Array(text.utf8)[...] }
        func read(upTo limit: Int) -> [UInt8] {
            defer { rest = rest.dropFirst(limit) }
            return Array(rest.prefix(limit))
        }
    }
}
