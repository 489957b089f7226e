internal import Raft

/// Faults that show something only together, at the right moments.
extension Simulation {
    /// The leader is out of sight, and whoever campaigns first is heard late.
    func hideLeader() {
        guard let leader, options.settings.allowsLeases else { return }
        isolate(leader.id)
        returning = leader.id
        for other in members where other.id != leader.id && other.driver != nil {
            give(.request { $0.forgetLeader() }, to: other)
        }
    }

    /// A member has asked who would vote for it. What it says next reaches the others late; the leader is back before that, for all
    /// but this one, and gone again then.
    func returnLeader(before candidate: SimulatedMember) {
        guard let leader = returning, leader != candidate.id, !isHealed else { return }
        returning = nil
        let delay = 60_000_000 + random.below(200_000_000)
        let others = members.map(\.id).filter { $0 != candidate.id && $0 != leader }
        for other in others { network.clogs[.init(from: candidate.id, to: other)] = now + delay }
        later(by: random.below(delay)) { [unowned self] in
            for other in others {
                repair(from: leader, to: other)
                repair(from: other, to: leader)
            }
        }
        later(by: delay) { [unowned self] in isolate(leader) }
    }

    func leaveOne() {
        guard fewestVoters == 1, let leader, let configuration = leader.driver?.core.configuration,
            configuration.voters.count == 2, !configuration.isJoint,
            let other = configuration.voters.first(where: { $0.id != leader.id })
        else { return }
        let token = takeToken()
        give(.request { $0.propose(.remove(leader.id), token: token) }, to: leader)
        cut(from: other.id, to: leader.id)
        later(by: network.latency + random.below(2 * network.latency)) { [unowned self] in
            cut(from: leader.id, to: other.id)
            let survivor = member(other.id.value)
            if survivor.driver != nil { kill(survivor, for: 1_000_000 + random.below(10_000_000)) }
        }
    }

    /// A member has taken a piece of a snapshot.
    func disturbSnapshot(of member: SimulatedMember) {
        guard faults.contains(.snapshotMidway), !isHealed, member.driver?.core.isReceivingSnapshot == true,
            random.below(40) == 0
        else { return }
        let target = random.below(2) == 0 ? member : leader ?? member
        trace.note("snapshot midway", now, target.id.value)
        switch random.below(4) {
        case 0: powerOff(target, for: 20_000_000 + random.below(500_000_000))
        case 1: kill(target, for: 1_000_000 + random.below(20_000_000))
        case 2: pause(target, for: random.below(1_500_000_000))
        default: isolate(target.id)
        }
    }

    /// Nobody is elected while another reads by its lease.
    func brokenLease(by member: SimulatedMember, in term: UInt64) -> String? {
        let holder = members.first {
            $0.id != member.id && $0.driver != nil && $0.told.term != 0 && $0.clock.reading(at: now) < $0.told.leaseEnd
        }
        return holder.map {
            "lease: \(member.id) is elected in term \(term), and \($0.id) holds a lease in \($0.told.term)"
        }
    }
}
