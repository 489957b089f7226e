import Testing

@testable import Raft

@Suite struct LogReplicationTests {
    /// scenarios.md, Raft and storage, 1: the paper's Figure 8.
    @Test func entriesOfEarlierTermsAreNotCommittedByCounting() throws {
        var settings = RaftSettings()
        settings.maximumAppendBytes = 1
        let group = try CoreGroup(logs: [[1, 2], [1, 2], [1], [1], [1, 3]], hardTerm: 3, settings: settings)
        // 1 leads term 4; 4 and 5 are away, and no entry of term 4 leaves it.
        group.passes = { message in
            ![4, 5].contains(message.from.value) && ![4, 5].contains(message.to.value)
        }
        group.alters = { message in
            guard case .append(var request) = message.body else { return message }
            request.entries.removeAll { $0.term == 4 }
            return Message(from: message.from, to: message.to, term: message.term, body: .append(request))
        }
        group.campaign(1)
        group.pass(milliseconds: 400)
        #expect(group[1].role == .leader && group[1].term == 4)
        #expect(group.terms(3) == [1, 2], "entry 2 is on a majority")
        #expect(group[1].commitIndex == 0, "and is not committed")
        // 5 may still overwrite it.
        group.isolate(1)
        group.pass(milliseconds: 1_200)
        group.campaign(5)
        group.pass(milliseconds: 1_000)
        #expect(group.leaders.contains(5))
        #expect(group.terms(3).prefix(2) == [1, 3])
        #expect(group.faults.isEmpty)
    }

    @Test func anEntryOfTheOwnTermCommitsThoseBefore() throws {
        let group = try CoreGroup(logs: [[1, 2], [1, 2], [1], [1], [1]], hardTerm: 3)
        group.campaign(1)
        #expect(group[1].commitIndex == 3)
        #expect(group.committed[0].map(\.term) == [1, 2, 4])
    }

    /// scenarios.md, Raft and storage, 2: the paper's Figure 7.
    @Test(arguments: [
        [1, 1, 1, 4, 4, 5, 5, 6, 6], [1, 1, 1, 4], [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7], [1, 1, 1, 4, 4, 4, 4], [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ]) func divergentLogsConverge(follower: [Term]) throws {
        let leader: [Term] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
        let group = try CoreGroup(logs: [leader, leader, follower], hardTerm: 7)
        group.isolate(3)
        group.campaign(1)
        #expect(group.leaders == [1])
        group.passes = { _ in true }
        group.clearDelivered()
        group.pass(milliseconds: 300)
        #expect(group.terms(3) == leader + [8])
        let rejections = group.delivered.count { message in
            if case .appendResponse(let response) = message.body { return response.rejected }
            return false
        }
        #expect(rejections <= 3, "whole terms are skipped at once")
    }

    /// A follower with a long tail of wrong terms is probed a few times, not once an entry.
    @Test func longDivergenceIsSkippedByTerm() throws {
        let group = try CoreGroup(
            logs: [
                [Term](repeating: 1, count: 10) + [Term](repeating: 5, count: 500),
                [Term](repeating: 1, count: 10) + [Term](repeating: 5, count: 500),
                [Term](repeating: 1, count: 10) + [Term](repeating: 2, count: 300) + [Term](repeating: 4, count: 600),
            ], hardTerm: 6)
        group.isolate(3)
        group.campaign(1)
        group.passes = { _ in true }
        group.clearDelivered()
        group.pass(milliseconds: 500)
        #expect(group.terms(3) == group.terms(1))
        #expect(group.delivered.count { $0.from == NodeID(3) } < 40)
    }

    /// scenarios.md, Raft and storage, 10, as far as the core goes: see also RaftDriverTests.
    @Test func aSingleMemberCommitsOnlyWhatIsDurable() throws {
        let group = try CoreGroup(logs: [[]])
        group.pass(milliseconds: 10)
        let before = group[1].commitIndex
        try group.propose(1)
        let effects = group[1].takeEffects()
        #expect(effects.entries.count == 1 && effects.committed.isEmpty)
        #expect(group[1].commitIndex == before)
        group[1].written(try #require(effects.writeNumber))
        #expect(group[1].takeEffects().committed.map(\.index) == [before + 1])
    }

    @Test func theLeaderSendsBeforeItsOwnSync() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        try group.propose(1)
        let effects = group[1].takeEffects()
        #expect(effects.messages.count == 2 && effects.messagesAfterSync.isEmpty)
        #expect(effects.entries.count == 1)
    }

    @Test func aMajorityWithoutTheLeadersDiskCommits() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        try group.propose(1)
        let effects = group[1].takeEffects()
        for follower in [2, 3] as [UInt64] {
            let body = Message.Body.appendResponse(.init(rejected: false, index: 2, hintIndex: 0, hintTerm: 0))
            group[1].receive(
                Message(from: NodeID(follower), to: NodeID(1), term: group[1].term, body: body), at: group.now)
        }
        #expect(group[1].commitIndex == 2)
        #expect(
            group[1].takeEffects().committed.isEmpty, "not applied before it is in the log that state is replayed from")
        group[1].written(try #require(effects.writeNumber))
        #expect(group[1].takeEffects().committed.map(\.index) == [2])
    }

    /// A write that finishes after its entries were replaced says nothing about what replaced them.
    @Test func aLateWriteDoesNotVouchForWhatReplacedIt() throws {
        let group = try CoreGroup(logs: [[1], [1], [1]], hardTerm: 1)
        func append(term: Term, _ terms: [Term], from: UInt64) -> Message {
            let entries = terms.enumerated().map {
                Entry(index: 2 + UInt64($0.offset), term: $0.element, kind: .command, data: [])
            }
            return Message(
                from: NodeID(from), to: NodeID(1), term: term,
                body: .append(.init(previousIndex: 1, previousTerm: 1, commit: 1, entries: entries)))
        }
        group[1].receive(append(term: 2, [2, 2], from: 2), at: group.now)
        let first = group[1].takeEffects()
        group[1].receive(append(term: 3, [3, 3], from: 3), at: group.now)
        let second = group[1].takeEffects()
        group[1].written(try #require(first.writeNumber))
        #expect(group[1].durableIndex == 1)
        group[1].written(try #require(second.writeNumber))
        #expect(group[1].durableIndex == 3)
    }

    @Test func whatIsLostIsSentAgain() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.passes = { message in
            if case .append = message.body { return message.to != NodeID(3) }
            return true
        }
        for _ in 0..<20 { try group.propose(1) }
        group.pass(milliseconds: 500)
        #expect(group[3].lastIndex < group[1].lastIndex)
        group.passes = { _ in true }
        group.pass(milliseconds: 400)
        #expect(group[3].lastIndex == group[1].lastIndex)
        #expect(group.committed[2].map(\.index) == group.committed[0].map(\.index))
    }

    @Test func lostAcknowledgementsAreMadeUpFor() throws {
        let group = try CoreGroup(logs: [[], [], []])
        group.campaign(1)
        group.passes = { message in
            if case .appendResponse = message.body { return false }
            return true
        }
        try group.propose(1)
        group.pass(milliseconds: 300)
        #expect(group[1].commitIndex == 1)
        group.passes = { _ in true }
        group.pass(milliseconds: 600)
        #expect(group[1].commitIndex == 2)
    }

    @Test func messagesAndInflightBytesAreBounded() throws {
        var settings = RaftSettings()
        settings.maximumAppendBytes = 1000
        settings.maximumInflightBytes = 3000
        let group = try CoreGroup(logs: [[], [], []], settings: settings)
        group.campaign(1)
        for _ in 0..<100 { try group.propose(1, [UInt8](repeating: 1, count: 100)) }
        let appends = group[1].takeEffects().messages.compactMap { message -> Message.AppendRequest? in
            if case .append(let request) = message.body, message.to == NodeID(2) { return request }
            return nil
        }
        #expect(appends.count == 4, "until 3,000 bytes are out")
        for append in appends { #expect(append.entries.reduce(0) { $0 + $1.cost } <= 1000) }
    }

    @Test func aLeaderTakesNoMoreThanItsLimit() throws {
        var settings = RaftSettings()
        settings.maximumUncommittedBytes = 1000
        settings.maximumProposalBytes = 2000
        let group = try CoreGroup(logs: [[], [], []], settings: settings)
        group.campaign(1)
        group.passes = { _ in false }
        try group.propose(1, [UInt8](repeating: 1, count: 900))
        #expect { try group.propose(1, [UInt8](repeating: 1, count: 900)) } throws: { error in
            (error as? RaftError)?.code == .overloaded
        }
        #expect { try group.propose(1, [UInt8](repeating: 1, count: 3000)) } throws: { error in
            (error as? RaftError)?.code == .tooLarge
        }
        group.settle()
        group.passes = { _ in true }
        group.pass(milliseconds: 600)
        try group.propose(1, [UInt8](repeating: 1, count: 900))
    }

    /// A commit index says nothing of entries that the message does not vouch for.
    @Test func aFollowerCommitsNoFurtherThanItIsKnownToMatch() throws {
        let group = try CoreGroup(logs: [[1, 2, 2], [1], [1]], hardTerm: 3)
        group[1].receive(
            Message(
                from: NodeID(2), to: NodeID(1), term: 3,
                body: .append(.init(previousIndex: 1, previousTerm: 1, commit: 3, entries: []))), at: group.now)
        #expect(group[1].commitIndex == 1)
    }

    @Test func aHeartbeatCommitsNoFurtherThanTheFollowerIsKnownToMatch() throws {
        let group = try CoreGroup(logs: [[1], [1], [1, 2, 2]], hardTerm: 3)
        group.passes = { message in
            if case .append = message.body { return message.to != NodeID(3) }
            return true
        }
        group[1].hardState.term = 8
        group[2].hardState.term = 8
        group.passes = { [passes = group.passes] in passes($0) && $0.from != NodeID(3) }
        group.campaign(1)
        #expect(group.leaders == [1])
        for _ in 0..<5 { try group.propose(1) }
        group.pass(milliseconds: 400)
        #expect(group[1].commitIndex == 7)
        #expect(group[3].commitIndex == 0)
    }

    @Test func aFollowerRefusesToReplaceWhatIsCommitted() throws {
        let group = try CoreGroup(logs: [[1, 1], [1, 1], [1, 1]], hardTerm: 1, commit: 2)
        let entries = [Entry(index: 2, term: 2, kind: .command, data: [])]
        group[1].receive(
            Message(
                from: NodeID(2), to: NodeID(1), term: 2,
                body: .append(.init(previousIndex: 1, previousTerm: 1, commit: 2, entries: entries))), at: group.now)
        group.settle()
        #expect(group.terms(1) == [1, 1])
    }
}
