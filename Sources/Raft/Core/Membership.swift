/// A change of one voter at a time: any two majorities before and after it share a member (thesis §4.1).
public enum MembershipChange: Equatable, Sendable {
    /// Adds a voter, or gives one that is there another address.
    case add(Member)
    case remove(NodeID)
}

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
        let changed: Configuration
        switch change {
        case .add(let member):
            guard member.id.value != 0, member.address.utf8.count <= Configuration.maximumAddressBytes else {
                throw RaftError(.invalidChange, "\(member) cannot be a member")
            }
            changed = configuration.adding(member)
            guard changed.voters.count <= Configuration.maximumVoters else {
                throw RaftError(.invalidChange, "more than \(Configuration.maximumVoters) voters")
            }
        case .remove(let id):
            changed = configuration.removing(id)
            guard !changed.voters.isEmpty else { throw RaftError(.invalidChange, "\(id) is the last voter") }
        }
        guard changed != configuration else { throw RaftError(.invalidChange, "nothing to change: \(change)") }
        appendAsLeader(kind: .configuration, payloads: [changed.encoded()])
        return log.lastIndex
    }

    /// Makes the leader's followers those of the configuration in force, keeping what is known of them. One that is not in
    /// it any more stays until it has been told.
    mutating func reconcileFollowers() {
        guard let leadership else { return }
        let (configuration, index) = (configuration, configurations.currentIndex)
        var followers = configuration.voters.filter { $0.id != id }.map { voter in
            var progress =
                leadership.followers.first { $0.id == voter.id }
                ?? FollowerProgress(id: voter.id, next: log.lastIndex + 1, now: now)
            progress.departure = nil
            progress.farewellRound = nil
            return progress
        }
        for var progress in leadership.followers where !configuration.contains(progress.id) {
            progress.departure = progress.departure ?? index
            followers.append(progress)
        }
        self.leadership?.followers = followers.sorted { $0.id < $1.id }
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
        guard !configuration.contains(id), configurations.currentIndex <= commitIndex else { return }
        if let successor = bestSuccessor { send(.timeoutNow, to: successor) }
        becomeFollower(term: term, leader: nil)
    }
}
