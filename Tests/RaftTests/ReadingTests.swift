import Testing

@testable import Raft

@Suite struct ReadingTests {
    @Test func readsShareARound() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.clearDelivered()
        for token in 1...100 as ClosedRange<UInt64> { try group[1].read(token: token, at: group.now) }
        group.settle()
        #expect(group.confirmed.count == 100)
        #expect(group.confirmed.values.allSatisfy { $0 == 1 })
        #expect(group.delivered.count == 2, "a heartbeat and its answer: with its sender that is a majority")
    }

    /// scenarios.md, Raft and storage, 7.
    @Test func aReadWaitsForTheFirstCommitOfTheTerm() throws {
        let group = try CoreGroup(logs: [[1, 1], [1, 1], [1, 1]], hardTerm: 1)
        group.passes = { message in
            if case .append = message.body { return false }
            return true
        }
        group.campaign(1)
        try group[1].read(token: 1, at: group.now)
        group.pass(milliseconds: 300)
        #expect(group.confirmed.isEmpty)
        group.passes = { _ in true }
        group.pass(milliseconds: 300)
        #expect(group.confirmed == [1: 3])
    }

    /// scenarios.md, Raft and storage, 7: a leader that was passed over confirms nothing, however its clock ran.
    @Test func aDeposedLeaderConfirmsNothing() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.isolate(1)
        group.campaign(2)
        #expect(group.leaders.contains(2))
        try group[1].read(token: 7, at: group.now)
        group.settle()
        #expect(group.confirmed.isEmpty)
        group.passes = { _ in true }
        group.pass(milliseconds: 300)
        #expect(group.confirmed.isEmpty)
        #expect(group.failed == [7])
    }

    @Test func anOldAnswerConfirmsNoLaterRead() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.pass(milliseconds: 200)
        let round = try #require(group[1].leadership?.round)
        group.passes = { _ in false }
        try group[1].read(token: 1, at: group.now)
        group.settle()
        group[1].receive(
            Message(
                from: NodeID(2), to: NodeID(1), term: group[1].term, body: .heartbeatResponse(.init(round: round))),
            at: group.now)
        #expect(group[1].takeEffects().reads.isEmpty)
        group[1].receive(
            Message(
                from: NodeID(2), to: NodeID(1), term: group[1].term, body: .heartbeatResponse(.init(round: round + 1))),
            at: group.now)
        #expect(group[1].takeEffects().reads.count == 1)
    }

    @Test func readsAreBounded() throws {
        var settings = RaftSettings()
        settings.maximumPendingReads = 3
        let group = try CoreGroup(logs: [[], [], []], settings: settings)
        group.campaign(1)
        group.passes = { _ in false }
        for token in 1...3 as ClosedRange<UInt64> { try group[1].read(token: token, at: group.now) }
        #expect { try group[1].read(token: 4, at: group.now) } throws: { error in
            (error as? RaftError)?.code == .overloaded
        }
        #expect { try group[2].read(token: 5, at: group.now) } throws: { error in
            (error as? RaftError)?.code == .notLeader(leader: Member(id: NodeID(1), address: "m1"))
        }
    }

    private func leasing() throws -> CoreGroup {
        var settings = RaftSettings()
        settings.allowsLeases = true
        let group = try CoreGroup(logs: [[], [], []], settings: settings)
        group.campaign(1)
        group.pass(milliseconds: 200)
        return group
    }

    @Test func aLeaseAsksNobody() throws {
        let group = try leasing()
        group.passes = { _ in false }
        try group[1].read(token: 1, .lease, at: group.now)
        #expect(group[1].takeEffects().reads.map(\.token) == [1])
        try group[1].read(token: 2, .quorum, at: group.now)
        #expect(group[1].takeEffects().reads.isEmpty)
    }

    /// The quorum that a lease rests on is that of the voters in force.
    @Test func learnersGiveNoLease() throws {
        let group = try leasing()
        group.passes = { $0.to != NodeID(2) && $0.from != NodeID(2) }
        group.pass(milliseconds: 600)
        #expect(group[1].holdsLease)
        group.passes = { _ in false }
        group.pass(milliseconds: 220)
        #expect(group[1].holdsLease)
        group.pass(milliseconds: 30)
        #expect(!group[1].holdsLease)
    }

    @Test func withoutPermissionThereIsNoLease() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.pass(milliseconds: 200)
        #expect(!group[1].holdsLease)
    }

    /// What followers answered before they were asked for a promise is none.
    @Test func aLeaseBeginsWithThePromisesThatWereAskedFor() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.pass(milliseconds: 200)
        group[1].allowLeases(true)
        #expect(!group[1].holdsLease)
        #expect(!group[2].isPromised)
        group.pass(milliseconds: 100)
        #expect(group[1].holdsLease)
        #expect(group[2].isPromised)
        group[1].allowLeases(false)
        #expect(!group[1].holdsLease)
        group[1].allowLeases(true)
        #expect(!group[1].holdsLease)
    }

    /// A member that is alone leads by its own vote, and has a lease as long as it does.
    @Test func whoeverIsAloneHasALease() throws {
        var settings = RaftSettings()
        settings.allowsLeases = true
        let group = try CoreGroup(logs: [[]], settings: settings)
        group.campaign(1)
        group.pass(milliseconds: 1000)
        #expect(group[1].holdsLease)
    }

    /// Its own vote is a vote too: a member that is about to be alone keeps what it promised to the leader that leaves.
    @Test func aPromiseBindsWhoeverMadeIt() throws {
        let group = try leasing()
        #expect(group[2].isPromised)
        group[2].forgetLeader(at: group.now)
        #expect(group[2].electionDeadline >= group[2].promisedUntil)
        group[2].electionDeadline = group.now
        group[2].tick(at: group.now)
        #expect(group[2].role == .follower)
        #expect(group[2].electionDeadline == group[2].promisedUntil)
    }

    /// A voter that heard its leader does not elect another in a later term either, of which the leader need not have heard.
    @Test func aLaterTermFreesNobodyFromItsPromise() throws {
        let group = try leasing()
        let term = group[1].term
        func fromThree(_ body: Message.Body) -> Message {
            Message(from: NodeID(3), to: NodeID(2), term: term + 1, body: body)
        }
        group[2].receive(fromThree(.voteResponse(.init(isPreVote: true, granted: false))), at: group.now)
        #expect(group[2].term == term + 1)
        #expect(group[1].holdsLease)
        _ = group[2].takeEffects()
        let last = group[2].lastIndex
        let ask = Message.VoteRequest(isPreVote: false, lastIndex: last, lastTerm: term)
        group[2].receive(fromThree(.vote(ask)), at: group.now)
        #expect(
            group[2].takeEffects().messagesAfterSync.map(\.body) == [
                .voteResponse(.init(isPreVote: false, granted: false))
            ])
        group[2].receive(fromThree(.vote(ask)), at: group.now + .milliseconds(501))
        #expect(
            group[2].takeEffects().messagesAfterSync.map(\.body) == [
                .voteResponse(.init(isPreVote: false, granted: true))
            ])
    }
}
