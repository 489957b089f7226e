extension RaftCore {
    /// Appends the changed configuration, in force at once. Returns the entry's index; it is final once committed.
    ///
    /// Throws `notLeader`; `changeInProgress` while another change is uncommitted or the leader has committed nothing in
    /// its term (without that rule, two leaders' changes can miss each other); `invalidChange`.
    public mutating func propose(
        _ change: MembershipChange, at instant: MonotonicInstant
    ) throws(RaftError) -> LogIndex {
        now = max(now, instant)
        guard role == .leader, let leadership else {
            throw RaftError(.notLeader(leader: leaderMember), "this member does not lead")
        }
        try refuseDuringTransfer()
        guard commitIndex >= leadership.firstIndex else {
            throw RaftError(.changeInProgress, "the leader has not committed in term \(term) yet")
        }
        guard configurations.currentIndex <= commitIndex else {
            throw RaftError(.changeInProgress, "the change at \(configurations.currentIndex) is not committed yet")
        }
        let changed = try change.applied(to: configuration)
        appendAsLeader(kind: .configuration, payloads: [changed.encoded()])
        return log.lastIndex
    }

    /// Ends a joint configuration that does so by itself, also one that an earlier leader began.
    mutating func leaveJointConfiguration() {
        guard configuration.leavesItself, configurations.currentIndex <= commitIndex, let leadership,
            commitIndex >= leadership.firstIndex, leadership.transfer == nil
        else { return }
        appendAsLeader(kind: .configuration, payloads: [configuration.left.encoded()])
    }

    /// On a leader: whether a member has its own addition, and lags so little that it could vote at once.
    func hasCaughtUp(_ member: NodeID) -> Bool {
        guard let leadership, let position = leadership.position(of: member) else { return false }
        let match = leadership.followers[position].match
        return leadership.followers[position].departure == nil && match >= configurations.currentIndex
            && match + settings.promotionLag >= log.lastIndex
    }

    /// Makes the leader's followers those of the configuration in force, keeping what is known of them. One that is not in
    /// it any more stays until it has been told.
    mutating func reconcileFollowers() {
        guard let leadership else { return }
        let (configuration, index) = (configuration, configurations.currentIndex)
        var followers = configuration.members.filter { $0.id != id }.map { member in
            var progress =
                leadership.followers.first { $0.id == member.id }
                ?? FollowerProgress(id: member.id, next: log.lastIndex + 1, now: now)
            progress.departure = nil
            progress.farewellRound = nil
            return progress
        }
        for var progress in leadership.followers where !configuration.contains(progress.id) {
            progress.departure = progress.departure ?? index
            followers.append(progress)
        }
        self.leadership?.followers = followers.sorted { $0.id < $1.id }
        renewLease()
    }

    /// Lets go of removed members that know it, and of those that have been silent for too long to wait for.
    mutating func forgetDeparted() {
        guard let leadership, leadership.followers.contains(where: { $0.departure != nil }) else { return }
        let patience = settings.longestElectionTimeout * 5
        let now = now
        self.leadership?.followers.removeAll { progress in
            guard progress.departure != nil else { return false }
            return progress.farewellRound.map { progress.round >= $0 } ?? false
                || now.elapsed(since: progress.lastContact) > patience
        }
    }

    /// A leader that the committed configuration has no place for has done its last duty, and told the others. It names a
    /// successor, so that nobody need wait for an election timeout.
    mutating func stepDownIfRemoved() {
        guard !configuration.isVoter(id), configurations.currentIndex <= commitIndex else { return }
        if let successor = bestSuccessor { send(.timeoutNow, to: successor) }
        becomeFollower(term: term, leader: nil)
    }
}
