import Testing

@testable import Raft

@Suite struct ElectionTests {
    @Test func oneIsElectedAndStays() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.pass(milliseconds: 1500)
        #expect(group.leaders.count == 1)
        let term = group[1].term
        group.pass(milliseconds: 20_000)
        #expect(group.cores.allSatisfy { $0.term == term })
    }

    @Test func oneAloneNeedsNobody() throws {
        let group = try CoreGroup(logs: [[]])
        group.pass(milliseconds: 10)
        #expect(group.leaders == [1])
        try group.propose(1)
        group.settle()
        #expect(group[1].commitIndex == 2)
    }

    @Test func theLongerLogWins() throws {
        let group = try CoreGroup(logs: [[1, 1], [1, 1, 1], [1, 2]])
        group.campaign(1)
        #expect(group.leaders.isEmpty)
        group.campaign(3)
        #expect(group.leaders == [3])
    }

    /// scenarios.md, Raft and storage, 3.
    @Test func anIsolatedMemberComesBackWithoutAnElection() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        let term = group[1].term
        group.isolate(3)
        group.pass(milliseconds: 10_000)
        #expect(group[3].term == term, "it asked before it raised its term")
        #expect(group[3].role == .preCandidate)
        try group.propose(1)
        group.passes = { _ in true }
        group.pass(milliseconds: 3_000)
        #expect(group.leaders == [1])
        #expect(group.cores.allSatisfy { $0.term == term && $0.commitIndex == 2 })
    }

    /// scenarios.md, Raft and storage, 5.
    @Test func aLeaderThatHearsNobodyStepsDown() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.passes = { $0.to != NodeID(1) }
        group.pass(milliseconds: 1_200)
        #expect(group[1].role != .leader)
        group.pass(milliseconds: 2_000)
        #expect(group.leaders.count == 1 && group.leaders != [1])
        #expect(group[1].leader == nil || group[1].leader == group[group.leaders[0]].id)
    }

    /// Two cannot reach each other, and everyone reaches the third: the leader stays (Cloudflare 2020-11-02).
    @Test func aBrokenLinkDeposesNobody() throws {
        let group = try CoreGroup(logs: [[], [], [], [], []])
        group.campaign(1)
        let term = group[1].term
        let cut: Set<[UInt64]> = [[1, 2], [2, 1], [3, 4], [5, 1]]
        group.passes = { !cut.contains([$0.from.value, $0.to.value]) }
        group.pass(milliseconds: 20_000)
        #expect(group.leaders == [1])
        #expect(group.cores.allSatisfy { $0.term == term })
    }

    @Test func votesAreSentOnceTheyAreDurable() throws {
        let group = try CoreGroup(logs: [[], [], []])
        let request = Message(
            from: NodeID(2), to: NodeID(1), term: 5, body: .vote(.init(isPreVote: false, lastIndex: 0, lastTerm: 0)))
        group[1].receive(request, at: group.now)
        let effects = group[1].takeEffects()
        #expect(effects.hardState == HardState(term: 5, vote: NodeID(2)))
        #expect(effects.messages.isEmpty)
        #expect(effects.messagesAfterSync.count == 1)

        let other = Message(
            from: NodeID(3), to: NodeID(1), term: 5, body: .vote(.init(isPreVote: false, lastIndex: 9, lastTerm: 4)))
        group[1].receive(other, at: group.now)
        #expect(
            group[1].takeEffects().messagesAfterSync.map(\.body)
                == [.voteResponse(.init(isPreVote: false, granted: false))])
    }

    @Test func aCandidateCountsItselfOnceItsVoteIsDurable() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group[1].tick(at: group.now + .seconds(2))
        _ = group[1].takeEffects()
        let granted = Message.Body.voteResponse(.init(isPreVote: true, granted: true))
        group[1].receive(Message(from: NodeID(2), to: NodeID(1), term: 1, body: granted), at: group.now)
        #expect(group[1].role == .candidate)
        let effects = group[1].takeEffects()
        let vote = Message.Body.voteResponse(.init(isPreVote: false, granted: true))
        group[1].receive(Message(from: NodeID(2), to: NodeID(1), term: 1, body: vote), at: group.now)
        #expect(group[1].role == .candidate)
        group[1].written(try #require(effects.writeNumber))
        #expect(group[1].role == .leader)
    }

    /// A member that went ahead in term and is then out of the others' reach must not stall them for ever.
    @Test func aLeaderBehindInTermLearnsIt() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group[3].hardState = HardState(term: 9)
        group.pass(milliseconds: 3_000)
        #expect(group.leaders.count == 1)
        #expect(group.cores.allSatisfy { $0.term > 9 })
    }

    @Test func garbageFromStrangersIsIgnored() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        for body: Message.Body in [
            .appendResponse(.init(rejected: false, index: 500, hintIndex: 0, hintTerm: 0)),
            .heartbeatResponse(.init(round: .max)), .snapshotResponse(.init(index: 3, nextOffset: 5)),
        ] {
            for sender in [2, 77] as [UInt64] {
                group[1].receive(
                    Message(from: NodeID(sender), to: NodeID(1), term: group[1].term, body: body), at: group.now)
            }
        }
        group.settle()
        #expect(group[1].commitIndex == 1)
        #expect(group.faults.isEmpty)
    }
}
