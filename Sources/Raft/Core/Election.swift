extension RaftCore {
    /// Whether a leader was heard so recently that nobody should depose it (thesis §4.2.3, §9.6), or a promise forbids it.
    var hearsLeader: Bool {
        if role == .leader || isPromised { return true }
        guard leader != nil, let lastLeaderContact else { return false }
        return now.elapsed(since: lastLeaderContact) < settings.shortestElectionTimeout
    }

    /// A promise ends by time alone. That the member has heard of a later term does not end it, nor that its leader is said to be
    /// gone: a leader that knows of neither goes on reading by its lease.
    var isPromised: Bool { now < promisedUntil }

    mutating func resetElectionDeadline() {
        let shortest = settings.shortestElectionTimeout.wholeNanoseconds
        let longest = settings.longestElectionTimeout.wholeNanoseconds
        let extra = random.below(longest > shortest ? longest - shortest : 1)
        electionDeadline = MonotonicInstant(nanoseconds: now.nanoseconds &+ shortest &+ extra)
    }

    /// The leader is known to be gone, say because its connection was refused. The member waits for no sign of it any more
    /// before it helps elect another, and soon campaigns itself: at a moment drawn from a quarter of the shortest timeout, as the
    /// others will have heard as well. What it has promised it keeps: a leader that cannot be reached may still read by its lease.
    public mutating func forgetLeader(at instant: MonotonicInstant) {
        now = max(now, instant)
        guard role == .follower else { return }
        leader = nil
        lastLeaderContact = nil
        let soon = random.below(max(1, settings.shortestElectionTimeout.wholeNanoseconds / 4))
        electionDeadline = min(
            electionDeadline, MonotonicInstant(nanoseconds: max(now, promisedUntil).nanoseconds &+ soon))
    }

    mutating func electionTimedOut() {
        guard !isPromised else {
            electionDeadline = promisedUntil
            return
        }
        resetElectionDeadline()
        guard mayCampaign else { return }
        role = .preCandidate
        leader = nil
        lastLeaderContact = nil
        votes = VoteTally()
        for voter in configuration.electorate where voter.id != id {
            sendVoteRequest(to: voter.id, isPreVote: true)
        }
        record(vote: true, from: id)
    }

    /// A member that an uncommitted entry removes must still campaign: the old configuration may need it (thesis §4.2.2).
    var mayCampaign: Bool {
        if configuration.isVoter(id) { return true }
        return configurations.currentIndex > commitIndex && (configurations.previous?.isVoter(id) ?? false)
    }

    mutating func campaign(byTransfer: Bool = false) {
        role = .candidate
        leader = nil
        lastLeaderContact = nil
        hardState = HardState(term: term + 1, vote: id)
        effects.hardState = hardState
        votes = VoteTally()
        resetElectionDeadline()
        for voter in configuration.electorate where voter.id != id {
            sendVoteRequest(to: voter.id, isByTransfer: byTransfer)
        }
        // Its own vote counts once it is durable: see written(_:).
    }

    private mutating func sendVoteRequest(to voter: NodeID, isPreVote: Bool = false, isByTransfer: Bool = false) {
        let request = Message.VoteRequest(
            isPreVote: isPreVote, isByTransfer: isByTransfer, lastIndex: log.lastIndex, lastTerm: log.lastTerm)
        sendAfterSync(.vote(request), to: voter, term: isPreVote ? term + 1 : term)
    }

    mutating func record(vote granted: Bool, from voter: NodeID) {
        votes.record(granted, from: voter)
        switch (votes.outcome(in: configuration), role) {
        case (.won, .preCandidate): campaign()
        case (.won, .candidate): becomeLeader()
        case (.lost, .preCandidate), (.lost, .candidate): becomeFollower(term: term, leader: nil)
        default: break
        }
    }

    mutating func handleVoteRequest(_ request: Message.VoteRequest, _ message: Message) {
        // A pre-vote of a later term is answered in that term, so that it cannot be taken for another campaign's.
        let mayVote =
            hardState.vote == message.from || (hardState.vote == nil && leader == nil)
            || (request.isPreVote && message.term > term)
        let upToDate =
            request.lastTerm > log.lastTerm
            || (request.lastTerm == log.lastTerm && request.lastIndex >= log.lastIndex)
        let isBound = request.isPreVote ? hearsLeader : isPromised && !request.isByTransfer
        let granted = mayVote && upToDate && !isBound
        if granted && !request.isPreVote {
            if hardState.vote != message.from {
                hardState.vote = message.from
                effects.hardState = hardState
            }
            resetElectionDeadline()
        }
        sendAfterSync(
            .voteResponse(.init(isPreVote: request.isPreVote, granted: granted)), to: message.from,
            term: granted ? message.term : term)
    }

    mutating func handleVoteResponse(_ response: Message.VoteResponse, _ message: Message) {
        if response.isPreVote {
            // Granted in the term that would be campaigned in; refused in the voter's own, which is ours by now.
            guard role == .preCandidate, message.term == (response.granted ? term + 1 : term) else { return }
        } else {
            guard role == .candidate, message.term == term else { return }
        }
        record(vote: response.granted, from: message.from)
    }

    /// A message of an earlier term. Its sender must learn of ours, or a leader that cannot reach us any more and a member
    /// that went ahead would never meet.
    mutating func answerBehind(_ message: Message) {
        switch message.body {
        case .append, .heartbeat, .snapshot:
            sendAfterSync(
                .appendResponse(.init(rejected: true, index: 0, hintIndex: 0, hintTerm: 0)), to: message.from)
        case .vote(let request) where request.isPreVote:
            sendAfterSync(.voteResponse(.init(isPreVote: true, granted: false)), to: message.from)
        default:
            break
        }
    }

    /// The sender leads this term. False if that cannot be.
    mutating func follow(_ sender: NodeID) -> Bool {
        if role == .leader {
            fault("\(sender) and \(id) both lead term \(term)")
            return false
        }
        if role != .follower || leader != sender { becomeFollower(term: term, leader: sender) }
        lastLeaderContact = now
        resetElectionDeadline()
        return true
    }

    mutating func becomeFollower(term newTerm: Term, leader newLeader: NodeID?) {
        if newTerm > term {
            hardState = HardState(term: newTerm)
            effects.hardState = hardState
        }
        if let leadership {
            effects.failedReads += leadership.waitingReads + leadership.confirmingReads.map(\.token)
        }
        leadership = nil
        role = .follower
        leader = newLeader
        votes = VoteTally()
        resetElectionDeadline()
    }

    private mutating func becomeLeader() {
        role = .leader
        leader = id
        incoming = nil
        leadership = Leadership(firstIndex: log.lastIndex + 1, followers: [], heartbeatDeadline: now)
        beginComparing()
        reconcileFollowers()
        appendAsLeader(kind: .noop, payloads: [[]])
        tickLeader()
    }

    mutating func tickLeader() {
        guard var leadership, now >= leadership.heartbeatDeadline else { return }
        let silence = settings.longestElectionTimeout
        let heard = configuration.agreed { voter in
            voter == id
                || (leadership.followers.first { $0.id == voter }).map {
                    now.elapsed(since: $0.lastContact) < silence
                } ?? false ? 1 : 0
        }
        if heard == 0 {
            becomeFollower(term: term, leader: nil)
            return
        }
        leadership.heartbeatDeadline = now + settings.heartbeatInterval
        self.leadership = leadership
        forgetDeparted()
        renewTransfer()
        if isHoldingLog { compact() }
        markCheckpoint()
        broadcastHeartbeat()
    }
}
