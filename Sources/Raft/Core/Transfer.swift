/// Leadership on its way to another member (thesis §3.10).
struct Transfer: Sendable {
    let target: NodeID
    /// The leader leads on if nothing came of it by then.
    let deadline: MonotonicInstant
    /// The target has been told to campaign. Said again at each heartbeat: the message may be lost.
    var isTold = false
}

extension RaftCore {
    /// Hands leadership to a voter, or to the best one if none is named. The leader takes no proposals meanwhile, sends the
    /// target what it lacks, and then tells it to campaign at once; after an election timeout without success it leads on.
    ///
    /// Throws `notLeader`; `changeInProgress` while it goes to somebody else; `invalidChange` if nobody else may lead.
    public mutating func transferLeadership(to target: NodeID?, at instant: MonotonicInstant) throws(RaftError) {
        now = max(now, instant)
        guard role == .leader, let leadership else {
            throw RaftError(.notLeader(leader: leaderMember), "this member does not lead")
        }
        guard let target = target ?? bestSuccessor else {
            throw RaftError(.invalidChange, "no other voter was heard of lately")
        }
        guard target != id, configuration.voters.contains(where: { $0.id == target }) else {
            throw RaftError(.invalidChange, "leadership cannot go to \(target): it leads already, or is no voter")
        }
        if let transfer = leadership.transfer {
            guard transfer.target == target else {
                throw RaftError(.changeInProgress, "leadership is on its way to \(transfer.target)")
            }
            return
        }
        self.leadership?.transfer = Transfer(target: target, deadline: now + settings.longestElectionTimeout)
    }

    /// Who leadership is on its way to.
    package var transferTarget: NodeID? { leadership?.transfer?.target }

    /// Throws while leadership is on its way: what is taken now would keep the target from catching up.
    func refuseDuringTransfer() throws(RaftError) {
        guard let target = transferTarget else { return }
        throw RaftError(.notLeader(leader: configuration.member(target)), "leadership is on its way to \(target)")
    }

    /// Tells the target to campaign once it has all.
    mutating func continueTransfer() {
        guard let leadership, let transfer = leadership.transfer, !transfer.isTold,
            let position = leadership.position(of: transfer.target),
            leadership.followers[position].match == log.lastIndex
        else { return }
        self.leadership?.transfer?.isTold = true
        self.leadership?.hasTold = true
        send(.timeoutNow, to: transfer.target)
    }

    /// A heartbeat is due: what was said is said again, or given up.
    mutating func renewTransfer() {
        guard let transfer = leadership?.transfer else { return }
        if now >= transfer.deadline {
            leadership?.transfer = nil
        } else {
            leadership?.transfer?.isTold = false
        }
    }

    /// The voter that has most of the log, among those heard of lately; of equals the first.
    var bestSuccessor: NodeID? {
        let voters = configuration.voters.map(\.id)
        let candidates = (leadership?.followers ?? []).filter {
            voters.contains($0.id) && now.elapsed(since: $0.lastContact) < settings.longestElectionTimeout
        }
        let longest = candidates.map(\.match).max()
        return candidates.first { $0.match == longest }?.id
    }

    /// The leader wants this member to lead in its place: it campaigns at once, and asks nobody before.
    mutating func handleTimeoutNow() {
        guard mayCampaign else { return }
        campaign(byTransfer: true)
    }
}
