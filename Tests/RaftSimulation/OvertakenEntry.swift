internal import Raft

/// What is known of a plot: a leader's last entry, which one other voter alone has, is to give way to another leader's, and to be
/// committed after all.
struct OvertakenEntry {
    let leader: NodeID
    /// Who has the entry as well, and is to lead at the end.
    let keeper: NodeID
    /// Those that know nothing of it: one of them leads in between.
    let others: [NodeID]
}

extension Simulation {
    /// One entry of the leader's gets to one other voter, and to nobody else. Then those that lack it elect one of themselves. It takes
    /// five: the keeper and the leader can be no quorum, nor be needed for one.
    func hideEntry() {
        plot(among: 5) { [unowned self] leader, core, voters in
            // One that has the rest already, so that the entry is all that it is sent.
            let matches = core.followers.filter { voters.contains($0.id) }
            let farthest = matches.map(\.match).max()
            let candidates = matches.filter { $0.match == farthest }.map(\.id)
            guard !candidates.isEmpty else { return }
            let keeper = candidates[Int(random.below(UInt64(candidates.count)))]
            let others = voters.filter { $0 != leader.id && $0 != keeper }
            overtakenEntry = OvertakenEntry(leader: leader.id, keeper: keeper, others: others)
            hearOnly(links(between: [leader.id], [keeper]) + links(between: others, others))
            submitProposal(to: leader)
            later(by: 3 * network.latency + 10_000_000) { [unowned self] in
                hearOnly(links(between: others, others))
                forgetLeader(others)
            }
        }
    }

    /// A member has asked for votes. What it says from now on reaches the leader of before alone. False where that is not the plot.
    func overtake(by candidate: SimulatedMember) -> Bool {
        guard let plot = overtakenEntry, plot.others.contains(candidate.id), !isHealed else { return false }
        let answers = plot.others.map { SimulatedNetwork.Link(from: $0, to: candidate.id) }
        hearOnly(answers + links(between: [candidate.id], [plot.leader]))
        return true
    }

    /// It is elected, and its first entry takes the place of the hidden one. It is out of sight after that, and nobody but the keeper can
    /// have a quorum of the rest. False where that is not the plot.
    func electKeeper(after member: SimulatedMember) -> Bool {
        guard let plot = overtakenEntry, plot.others.contains(member.id), !isHealed else { return false }
        overtakenEntry = nil
        let rest = plot.others.filter { $0 != member.id }
        awaitOvertaking(of: plot.leader, by: member) { [unowned self] in
            hearOnly(links(between: [plot.keeper], rest))
            // Again, as it learns only by its first campaign in which term the others are.
            for attempt: UInt64 in 0..<4 {
                later(by: attempt * (2 * network.latency + 60_000_000)) { [unowned self] in
                    forgetLeader([plot.keeper])
                }
            }
        }
        return true
    }

    /// Waits a little until the log of `leader` ends with what `successor` has appended.
    private func awaitOvertaking(
        of leader: NodeID, by successor: SimulatedMember, attempts: Int = 10, _ then: @escaping () -> Void
    ) {
        guard attempts > 0, let term = successor.driver?.core.term, let core = member(leader.value).driver?.core,
            core.term(at: core.lastIndex) != term
        else { return then() }
        later(by: network.latency) { [unowned self] in
            awaitOvertaking(of: leader, by: successor, attempts: attempts - 1, then)
        }
    }
}
