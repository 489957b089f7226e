import Foundation
import Raft
import RaftSimulation
import Synchronization
import Testing

/// Real threads, real files.
@Suite struct RaftNodeTests {
    /// A group in a temporary folder, taken away at the end.
    private final class Group: Sendable {
        let network = LocalNetwork()
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("raft-\(UUID().uuidString)").path

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func start(
            _ number: UInt64, _ machine: RecordingStateMachine, founding: Bool = false, settings: RaftSettings = .init()
        ) async throws -> RaftNode {
            let id = NodeID(number)
            let founders = founding ? Configuration(voters: [Member(id: id, address: "m\(number)")]) : nil
            let node = try await RaftNode.start(
                .init(id: id, directory: "\(folder)/\(number)", settings: settings, founders: founders),
                stateMachine: machine, transport: network)
            network.attach(node)
            return node
        }

        func kill(_ node: RaftNode) async {
            network.silence(node.id)
            network.detach(node.id)
            await node.stop()
            network.unsilence(node.id)
        }
    }

    private struct Late: Error {
        let what: String
    }

    /// Looked at once more when the time is over: beside the simulations a test may not have had a turn for seconds.
    private func eventually(_ what: String, within seconds: Double = 10, _ condition: () async throws -> Bool)
        async throws
    {
        let end = Date().addingTimeInterval(seconds)
        while true {
            let isLate = Date() >= end
            if try await condition() { return }
            if isLate { throw Late(what: "not within \(seconds) s: \(what)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private func leader(of nodes: [RaftNode]) async throws -> RaftNode {
        var found: RaftNode?
        try await eventually("a leader") {
            found = nodes.first { $0.status.role == .leader && $0.status.leader == $0.id }
            return found != nil
        }
        return try #require(found)
    }

    private func three(_ group: Group, settings: RaftSettings = .init()) async throws -> [(
        RaftNode, RecordingStateMachine
    )] {
        var members: [(RaftNode, RecordingStateMachine)] = []
        for number in 1...3 as ClosedRange<UInt64> {
            let machine = RecordingStateMachine()
            members.append((try await group.start(number, machine, founding: number == 1, settings: settings), machine))
        }
        let first = members[0].0
        _ = try await leader(of: [first])
        for number in 2...3 as ClosedRange<UInt64> {
            try await eventually("member \(number) added") {
                do {
                    try await first.addVoter(Member(id: NodeID(number), address: "m\(number)"))
                    return true
                } catch let error as RaftError where error.code == .changeInProgress { return false }
            }
        }
        return members
    }

    @Test func aloneItAnswersAndRemembers() async throws {
        let group = Group()
        let machine = RecordingStateMachine()
        var node = try await group.start(1, machine, founding: true)
        _ = try await leader(of: [node])
        for number in 1...50 as ClosedRange<UInt8> {
            let answer = try await node.propose([number])
            #expect(answer.bytes == Array("\(number)".utf8))
        }
        #expect(try await node.readIndex() >= 52)
        await node.stop()
        await #expect(throws: RaftError.self) { try await node.propose([1]) }

        let again = RecordingStateMachine()
        node = try await group.start(1, again, founding: true)
        _ = try await leader(of: [node])
        _ = try await node.readIndex()
        #expect(again.commands == (1...50 as ClosedRange<UInt8>).map { [$0] })
        await node.stop()
    }

    @Test func oneFolderHasOneUser() async throws {
        let group = Group()
        let node = try await group.start(1, RecordingStateMachine(), founding: true)
        await #expect(throws: RaftError.self) { _ = try await group.start(1, RecordingStateMachine()) }
        await node.stop()
        let other = try await group.start(1, RecordingStateMachine())
        await other.stop()
        await #expect("another member's log") {
            _ = try await RaftNode.start(
                .init(id: NodeID(9), directory: "\(group.folder)/1"), stateMachine: RecordingStateMachine(),
                transport: group.network)
        } throws: { ($0 as? RaftError)?.code == .alreadyInUse }
    }

    /// scenarios.md, Raft and storage, 16: what was acknowledged is there, and who asks too early is told where to go.
    @Test func leadershipGoesWhereItIsSent() async throws {
        let group = Group()
        let members = try await three(group)
        let first = members[0].0
        let answer = try await first.propose([1])
        try await first.transferLeadership(to: NodeID(3))
        #expect(first.status.role == .follower)
        let leader = try await leader(of: members.map(\.0))
        #expect(leader.id == NodeID(3))
        #expect(try await leader.readIndex() > answer.index)
        #expect(members[2].1.commands == [[1]])
        await #expect {
            try await first.transferLeadership()
        } throws: { ($0 as? RaftError)?.code == .notLeader(leader: Member(id: NodeID(3), address: "m3")) }
        for member in members { await member.0.stop() }
    }

    @Test func followersNameTheLeader() async throws {
        let group = Group()
        let members = try await three(group)
        let follower = members[1].0
        try await eventually("the follower knows") { follower.status.leader == NodeID(1) }
        await #expect {
            _ = try await follower.propose([1])
        } throws: { error in
            (error as? RaftError)?.code == .notLeader(leader: Member(id: NodeID(1), address: "m1"))
        }
        #expect(members[0].0.status.configuration.voters.map(\.address) == ["m1", "m2", "m3"])
        for (node, _) in members { await node.stop() }
    }

    /// Eight writers at once, each of whom finds the leader.
    private func write(_ count: Int, to members: [RaftNode], _ acknowledged: Acknowledged) async {
        await withTaskGroup(of: Void.self) { tasks in
            for writer in 0..<8 as Range<UInt8> {
                tasks.addTask {
                    for number in 0..<UInt8(count / 8) {
                        let command: [UInt8] = [writer, number]
                        for _ in 0..<200 {
                            guard let leader = members.first(where: { $0.status.role == .leader }) else {
                                try? await Task.sleep(for: .milliseconds(20))
                                continue
                            }
                            do {
                                _ = try await leader.propose(command)
                                await acknowledged.add(command)
                                break
                            } catch { try? await Task.sleep(for: .milliseconds(20)) }
                        }
                    }
                }
            }
        }
    }

    /// scenarios.md, Raft and storage, 16: leadership goes round while everybody writes, and nothing acknowledged is lost.
    @Test func leadershipGoesRoundUnderWrites() async throws {
        let group = Group()
        let members = try await three(group)
        let nodes = members.map(\.0)
        let acknowledged = Acknowledged()
        let writers = Task { await write(400, to: nodes, acknowledged) }
        for round in 0..<6 {
            let before = await acknowledged.commands.count
            let target = nodes[round % 3].id
            try await eventually("\(target) leads") {
                guard let leader = nodes.first(where: { $0.status.role == .leader }) else { return false }
                if leader.id == target { return true }
                try? await leader.transferLeadership(to: target)
                return false
            }
            try await eventually("writes go on") {
                let count = await acknowledged.commands.count
                return count > before || count == 400
            }
        }
        await writers.value
        #expect(await acknowledged.commands.count == 400)
        let end = try await leader(of: nodes).readIndex()
        for (node, machine) in members {
            try await eventually("\(node.id) has all") { machine.appliedIndex >= end }
            let all = Set(machine.commands)
            for command in await acknowledged.commands { #expect(all.contains(command)) }
        }
        #expect(Set(members.map(\.1.commands)).count == 1)
        for (node, _) in members { await node.stop() }
    }

    /// scenarios.md, Raft and storage, 7: a lease is seen by other threads; it ends when nobody answers, before another leads, and
    /// at once where leadership is handed over.
    @Test func aLeaseEndsBeforeAnotherLeads() async throws {
        let group = Group()
        let nodes = try await three(group).map(\.0)
        let first = try await leader(of: nodes)
        #expect(!first.holdsLease(in: first.status.term), "nobody was allowed to")
        for node in nodes { node.allowLeases(true) }
        try await eventually("a lease") { first.holdsLease(in: first.status.term) }
        let term = try #require(first.leadingTerm)
        #expect(!first.holdsLease(in: term + 1))
        #expect(nodes.allSatisfy { $0 === first || !$0.holdsLease(in: term) })
        try await first.transferLeadership()
        #expect(!first.holdsLease(in: term))
        let second = try await leader(of: nodes.filter { $0 !== first })
        let next = try #require(second.leadingTerm)
        try await eventually("the next one's lease") { second.holdsLease(in: next) }
        group.network.silence(second.id)
        // Without a pause, so that a lease beside a leader would be seen.
        let others = nodes.filter { $0 !== second }
        while !others.contains(where: { $0.leadingTerm != nil }) { await Task.yield() }
        #expect(!second.holdsLease(in: next))
        group.network.unsilence(second.id)
        for node in nodes { await node.stop() }
    }

    @Test func theLeaderIsKilledAndNothingAcknowledgedIsLost() async throws {
        let group = Group()
        var settings = RaftSettings()
        settings.segmentBytes = 64 << 10
        settings.snapshotAfterEntries = 300
        settings.trailingEntries = 50
        var members = try await three(group, settings: settings)
        let acknowledged = Acknowledged()
        let current = members.map(\.0)
        let writers = Task { await write(960, to: current, acknowledged) }
        try await eventually("some writes") { await acknowledged.commands.count > 200 }
        let first = try await leader(of: current)
        let killedAt = ContinuousClock.now
        await group.kill(first)
        let before = await acknowledged.commands.count
        try await eventually("writes after the leader's end") { await acknowledged.commands.count > before }
        print("raft: leader stopped to next write: \(ContinuousClock.now - killedAt)")
        _ = await writers.value
        #expect(await acknowledged.commands.count == 960)

        let position = try #require(members.firstIndex { $0.0.id == first.id })
        let machine = RecordingStateMachine()
        members[position] = (try await group.start(first.id.value, machine, settings: settings), machine)
        let last = try await leader(of: members.map(\.0))
        let end = try await last.readIndex()
        for (node, machine) in members {
            try await eventually("\(node.id) has all") { machine.appliedIndex >= end }
            let all = Set(machine.commands)
            for command in await acknowledged.commands { #expect(all.contains(command)) }
        }
        #expect(Set(members.map(\.1.commands)).count == 1)
        #expect(last.status.snapshotIndex > 0)
        for (node, _) in members { await node.stop() }
    }

    /// scenarios.md, Raft and storage, 8: a large state takes long to read; the member answers heartbeats meanwhile, and the leader keeps it for one that lives.
    @Test func aFollowerAnswersWhileItReadsASnapshot() async throws {
        let group = Group()
        var settings = RaftSettings()
        settings.snapshotAfterEntries = 100
        settings.trailingEntries = 10
        let members = try await three(group, settings: settings)
        await group.kill(members[2].0)
        let leader = try await leader(of: [members[0].0, members[1].0])
        for number in 0..<150 as Range<UInt8> { _ = try await leader.propose([number]) }
        try await eventually("a snapshot") { leader.status.snapshotIndex > 50 }
        let machine = RecordingStateMachine()
        machine.readingHangs.store(true, ordering: .relaxed)
        let node = try await group.start(3, machine, settings: settings)
        try await eventually("it reads") { machine.isReading.load(ordering: .relaxed) }
        let term = leader.status.term
        for number in 0..<15 as Range<UInt8> {
            try await Task.sleep(for: .milliseconds(100))
            _ = try await leader.propose([number])
            #expect(node.status.leader == leader.id && node.status.term == term)
            #expect(leader.status.reachable.contains(node.id))
        }
        #expect(machine.commands.isEmpty)
        machine.readingHangs.store(false, ordering: .relaxed)
        try await eventually("it has all") { machine.appliedIndex == leader.status.appliedIndex }
        #expect(machine.commands.count == 165 && leader.status.term == term)
        for node in [members[0].0, members[1].0, node] { await node.stop() }
    }

    @Test func rolesAreTold() async throws {
        let group = Group()
        let node = try await group.start(1, RecordingStateMachine(), founding: true)
        var last: RoleChange?
        for await change in node.roleChanges() {
            last = change
            if change.role == .leader { break }
        }
        #expect(last?.leader == NodeID(1))
        await node.stop()
        var rest: [RoleChange] = []
        for await change in node.roleChanges() { rest.append(change) }
        #expect(rest.count == 1)
    }

    @Test func manyProposalsShareOneSync() async throws {
        let group = Group()
        let members = try await three(group)
        let node = members[0].0
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<64 {
                tasks.addTask {
                    for _ in 0..<50 { _ = try await node.propose([UInt8](repeating: 7, count: 256)) }
                }
            }
            try await tasks.waitForAll()
        }
        let elapsed = ContinuousClock.now - start
        print("raft: 3 members, 64 writers, 3,200 proposals of 256 B: \(elapsed)")
        #expect(members[0].1.commands.count == 3_200)
        for (node, _) in members { await node.stop() }
    }

    private actor Acknowledged {
        private(set) var commands: [[UInt8]] = []
        func add(_ command: [UInt8]) { commands.append(command) }
    }

    /// scenarios.md, Raft and storage, 11: a member whose disk hangs refuses at once what it cannot do, and does not pass for
    /// a leader; then it goes on.
    @Test func aMemberThatHangsSaysSo() async throws {
        let group = Group()
        let machine = RecordingStateMachine()
        let node = try await group.start(1, machine, founding: true)
        _ = try await leader(of: [node])
        machine.hangs.store(true, ordering: .relaxed)
        defer { machine.hangs.store(false, ordering: .relaxed) }
        let hanging = Task { try await node.propose([1]) }
        // On a busy machine it may seem to hang before it does; what is proposed then is taken.
        try await eventually("the thread stands still") { machine.isHanging.load(ordering: .relaxed) }
        try await eventually("it hangs") { node.status.role == .follower && node.status.leader == nil }
        let begin = Date()
        await #expect { try await node.propose([2]) } throws: { ($0 as? RaftError)?.code == .notLeader(leader: nil) }
        await #expect(throws: RaftError.self) { try await node.readIndex() }
        #expect(Date().timeIntervalSince(begin) < 1)
        machine.hangs.store(false, ordering: .relaxed)
        _ = try await hanging.value
        _ = try await leader(of: [node])
        _ = try await node.propose([3])
        #expect(machine.commands == [[1], [3]])
        await node.stop()
    }

    /// scenarios.md, Raft and storage, 11: nobody waits for a disk that hangs longer than for any other answer. What was taken may
    /// still be done, what was not is not.
    @Test func whatWasTakenByAMemberThatHangsIsAnsweredInTime() async throws {
        let group = Group()
        let machine = RecordingStateMachine()
        var settings = RaftSettings()
        settings.answerTimeout = .seconds(2)
        let node = try await group.start(1, machine, founding: true, settings: settings)
        _ = try await leader(of: [node])
        machine.hangs.store(true, ordering: .relaxed)
        defer { machine.hangs.store(false, ordering: .relaxed) }
        let taken = Task { try await node.propose([1]) }
        try await eventually("the thread stands still") { machine.isHanging.load(ordering: .relaxed) }
        let untaken = Task { try await node.propose([2]) }
        await #expect { try await untaken.value } throws: { ($0 as? RaftError)?.code == .notLeader(leader: nil) }
        await #expect { try await taken.value } throws: { ($0 as? RaftError)?.code == .timedOut }
        let isHanging = machine.isHanging.load(ordering: .relaxed)
        #expect(isHanging)
        machine.hangs.store(false, ordering: .relaxed)
        try await eventually("it goes on") { (try? await node.propose([3])) != nil }
        #expect(machine.commands == [[1], [3]])
        await node.stop()
    }
}
