import Testing

@testable import Raft

@Suite struct MembershipTests {
    private func code(_ body: () throws -> Void) -> RaftError.Code? {
        do { try body() } catch { return (error as? RaftError)?.code }
        return nil
    }

    /// scenarios.md, Raft and storage, 6.
    @Test func aChangeWaitsForTheFirstCommitOfTheTerm() throws {
        let group = try CoreGroup(logs: [[1], [1], [1]], hardTerm: 1)
        group.passes = { message in
            if case .append = message.body { return false }
            return true
        }
        group.campaign(1)
        #expect(group[1].role == .leader)
        #expect(code { _ = try group[1].propose(.remove(NodeID(3)), at: group.now) } == .changeInProgress)
        group.passes = { _ in true }
        group.pass(milliseconds: 300)
        _ = try group[1].propose(.remove(NodeID(3)), at: group.now)
        #expect(code { _ = try group[1].propose(.remove(NodeID(2)), at: group.now) } == .changeInProgress)
        group.settle()
        #expect(group[1].configuration.voters.map(\.id.value) == [1, 2])
    }

    @Test func senselessChangesAreRefused() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        #expect(code { _ = try group[1].propose(.remove(NodeID(9)), at: group.now) } == .invalidChange)
        let same = Member(id: NodeID(2), address: "m2")
        #expect(code { _ = try group[1].propose(.add(same), at: group.now) } == .invalidChange)
        #expect(
            code { _ = try group[1].propose(.add(Member(id: NodeID(0), address: "")), at: group.now) } == .invalidChange
        )
        #expect(
            code { _ = try group[2].propose(.remove(NodeID(1)), at: group.now) }
                == .notLeader(leader: group[1].leaderMember))
        let alone = try CoreGroup(logs: [[]])
        alone.pass(milliseconds: 10)
        #expect(code { _ = try alone[1].propose(.remove(NodeID(1)), at: alone.now) } == .invalidChange)
    }

    @Test func anAddressChanges() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        _ = try group[1].propose(.add(Member(id: NodeID(2), address: "elsewhere")), at: group.now)
        group.settle()
        #expect(group.cores.allSatisfy { $0.configuration.member(NodeID(2))?.address == "elsewhere" })
        #expect(group[1].followers.map(\.id.value) == [2, 3])
    }

    /// scenarios.md, Raft and storage, 6: the leader commits its own removal with the others' votes only, and goes.
    @Test func aRemovedLeaderDoesNotCountItself() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.passes = { $0.to != NodeID(3) && $0.from != NodeID(3) }
        let index = try group[1].propose(.remove(NodeID(1)), at: group.now)
        group.settle()
        #expect(group[1].commitIndex < index, "2 alone is no majority of 2 and 3")
        #expect(group[1].role == .leader)
        group.passes = { _ in true }
        group.pass(milliseconds: 500)
        #expect(group[1].role == .follower)
        #expect(group[1].commitIndex >= index)
        group.pass(milliseconds: 3_000)
        #expect(group.leaders.count == 1 && group.leaders != [1])
        #expect(group[group.leaders[0]].configuration.voters.map(\.id.value) == [2, 3])
    }

    @Test func aRemovedMemberDisturbsNobody() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.isolate(3)
        _ = try group[1].propose(.remove(NodeID(3)), at: group.now)
        group.settle()
        let term = group[1].term
        group.passes = { _ in true }
        group.pass(milliseconds: 10_000)
        #expect(group.leaders == [1])
        #expect(group[1].term == term)
    }

    @Test func aRemovedMemberLearnsIt() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        let index = try group[1].propose(.remove(NodeID(3)), at: group.now)
        group.pass(milliseconds: 500)
        #expect(group[3].commitIndex >= index)
        #expect(!group[3].configuration.contains(NodeID(3)))
        #expect(group[1].leadership?.followers.map(\.id.value) == [2], "and is let go")
        group.pass(milliseconds: 5_000)
        #expect(group[3].role == .follower)
    }

    @Test func aSilentMemberIsRemovedAllTheSame() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.isolate(3)
        _ = try group[1].propose(.remove(NodeID(3)), at: group.now)
        group.settle()
        #expect(group[1].followers.map(\.id.value) == [2])
        #expect(group[1].leadership?.followers.count == 2)
        group.pass(milliseconds: 6_000)
        #expect(group[1].leadership?.followers.count == 1)
    }

    @Test func aChangeThatIsTruncatedIsUndone() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.isolate(1)
        _ = try group[1].propose(.remove(NodeID(3)), at: group.now)
        group.settle()
        #expect(group[1].configuration.voters.count == 2)
        group.campaign(2)
        group.pass(milliseconds: 1_500)
        group.passes = { _ in true }
        group.pass(milliseconds: 1_500)
        #expect(group.cores.allSatisfy { $0.configuration.voters.count == 3 })
        #expect(group.leaders.count == 1)
    }
}
