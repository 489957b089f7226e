internal import Raft

/// What is known of a plot: a leader out of sight is to be back before those who ask for votes meanwhile are heard.
struct ReturningLeader {
    let leader: NodeID
    /// When the requests of those arrive who would campaign.
    var requestsAt: [NodeID: UInt64] = [:]
}

extension Simulation {
    /// The leader is out of sight, and somebody campaigns once it is missed.
    func hideLeader() {
        guard options.settings.allowsLeases else { return }
        plot(among: 3) { [unowned self] leader, core, voters in
            let others = voters.filter { $0 != leader.id }
            // One that the others may vote for.
            let farthest = core.followers.filter { others.contains($0.id) }.max { $0.match < $1.match }
            guard let first = farthest?.id else { return }
            give(.request { $0.allowLeases(true) }, to: leader)
            network.repair()
            isolate(leader.id)
            returning = ReturningLeader(leader: leader.id)
            later(by: Self.missedAfter + network.latency) { [unowned self] in forgetLeader([first]) }
        }
    }

    /// A member has asked who would vote for it. What it says next reaches the others late.
    func delayRequests(of member: SimulatedMember) {
        guard let plot = returning, plot.leader != member.id, !isHealed else { return }
        let time = now + 200_000_000 + 5 * network.latency
        returning?.requestsAt[member.id] = time
        for other in members where other.id != member.id {
            network.clogs[.init(from: member.id, to: other.id)] = time
        }
    }

    /// It campaigns. The others would as well, and ask it; that it is ahead of them, its answer says, they hear when the leader is back and
    /// has their promise, and its own request after that. False where that is not the plot.
    func returnLeader(before candidate: SimulatedMember) -> Bool {
        guard let plot = returning, let requestsAt = plot.requestsAt[candidate.id], !isHealed else { return false }
        returning = nil
        let answersAt = requestsAt - network.latency - 1_000_000
        let others = members.map(\.id).filter { $0 != plot.leader && $0 != candidate.id }
        guard answersAt > now else { return false }
        // They hear nobody else: each other's votes they would win.
        hearOnly(links(between: [candidate.id], others))
        for other in others { network.clogs[.init(from: candidate.id, to: other)] = answersAt }
        forgetLeader(others)
        // All have asked by then.
        later(by: Self.missedAfter / 4 + 5_000_000) { [unowned self] in
            for link in links(between: [plot.leader], others) { repair(from: link.from, to: link.to) }
            // A read has it ask for promises at once.
            let leader = member(plot.leader.value)
            if leader.driver != nil { submitRead(to: leader) }
            awaitLease(of: leader, until: answersAt)
        }
        return true
    }

    /// It is gone again once it may read by its lease: entries that it sends after that would be missing where others are asked to vote.
    private func awaitLease(of leader: SimulatedMember, until end: UInt64) {
        let holdsLease = leader.told.term != 0 && leader.clock.reading(at: now) < leader.told.leaseEnd
        if holdsLease || now >= end { return isolate(leader.id) }
        later(by: 1_000_000) { [unowned self] in awaitLease(of: leader, until: end) }
    }

    /// For so long at least nobody misses a leader that was heard (`RaftSettings.shortestElectionTimeout`); a quarter of it is the longest
    /// that somebody waits who was told that it is gone.
    private static let missedAfter: UInt64 = 500_000_000
}
