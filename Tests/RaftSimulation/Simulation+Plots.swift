internal import Raft

/// Faults that show something only together, at the right moments.
extension Simulation {
    /// Begins what takes several moments, each of which must come off: with a leader that has committed something in its term, and
    /// `fewest` voters or more, all of which run. Where there is none all links work again, and it is looked for a few times.
    /// Other faults wait, and no message is lost.
    func plot(
        among fewest: Int, attempts: Int = 6, _ begin: @escaping (SimulatedMember, RaftCore, [NodeID]) -> Void
    ) {
        guard members.contains(where: { voters(of: $0).map { $0.count >= fewest } ?? false }) else { return }
        let end = now + 1_000_000_000 + 8 * network.latency
        nextFault = max(nextFault, end)
        if let leader, let core = leader.driver?.core, core.term(at: core.commitIndex) == core.term,
            let voters = voters(of: leader), voters.count >= fewest,
            voters.map({ member($0.value) }).allSatisfy({ $0.driver != nil && $0.pausedUntil <= now })
        {
            let noise = (network.lossPercent, network.slowPercent)
            (network.lossPercent, network.slowPercent) = (0, 0)
            later(by: end - now) { [unowned self] in
                (network.lossPercent, network.slowPercent) = noise
                (returning, overtakenEntry) = (nil, nil)
            }
            begin(leader, core, voters)
        } else if attempts > 0 {
            network.repair()
            later(by: 250_000_000) { [unowned self] in plot(among: fewest, attempts: attempts - 1, begin) }
        }
    }

    /// The leader's followers answer it for a while yet, and are heard once it is deposed.
    func delayAnswers() {
        guard let leader else { return }
        let end = now + 400_000_000 + random.below(600_000_000)
        for other in members where other.id != leader.id {
            network.clogs[.init(from: other.id, to: leader.id)] = end
        }
        later(by: 100_000_000 + random.below(100_000_000)) { [unowned self] in
            isolate(leader.id)
            for other in members where other.id != leader.id && other.driver != nil {
                give(.request { $0.forgetLeader() }, to: other)
            }
        }
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

    /// The leader takes out a voter, and nobody hears of it.
    func changeOutOfSight() {
        guard let leader, let voters = evenVoters(of: leader) else { return }
        let others = voters.filter { $0 != leader.id }
        let removed = others[Int(random.below(UInt64(others.count)))]
        network.repair()
        isolate(leader.id)
        let token = takeToken()
        give(.request { $0.propose(.remove(removed), token: token) }, to: leader)
        unseenChange = UnseenChange(leader: leader.id, removed: removed)
        for other in others where member(other.value).driver != nil {
            give(.request { $0.forgetLeader() }, to: member(other.value))
        }
    }

    /// A member has asked for votes after a change that nobody has heard of. What it says from now on reaches those alone that will
    /// not be with the leader before it. False where there was no such change.
    func halve(before candidate: SimulatedMember) -> Bool {
        guard let change = unseenChange, change.leader != candidate.id, !isHealed,
            let voters = evenVoters(of: candidate), voters.contains(change.leader)
        else { return false }
        var others = voters.filter { ![change.leader, change.removed, candidate.id].contains($0) }
        var half = [change.leader]
        while half.count < voters.count / 2 { half.append(others.remove(at: Int(random.below(UInt64(others.count))))) }
        for other in half { cut(from: candidate.id, to: other) }
        unseenChange?.candidate = candidate.id
        unseenChange?.half = half
        return true
    }

    /// It is elected. An operator asks it at once to take out the leader before it, which is seen by its own half again.
    func changeHastily(at member: SimulatedMember) {
        guard let change = unseenChange, change.candidate == member.id, !isHealed else { return }
        unseenChange = nil
        network.repair()
        part(change.half)
        later(by: 0) { [unowned self] in
            let token = takeToken()
            guard member.driver != nil else { return }
            give(.request { $0.propose(.remove(change.leader), token: token) }, to: member)
        }
        later(by: 100_000_000 + random.below(200_000_000)) { [unowned self] in
            for other in change.half where self.member(other.value).driver != nil {
                give(.request { $0.forgetLeader() }, to: self.member(other.value))
            }
        }
    }

    /// Those who vote, where one may be taken out of a set whose halves are no majorities.
    private func evenVoters(of member: SimulatedMember) -> [NodeID]? {
        voters(of: member).flatMap { $0.count >= 4 && $0.count % 2 == 0 ? $0 : nil }
    }

    /// Those who vote where a member leads, unless they are about to be others; nil where it does not vote itself.
    func voters(of member: SimulatedMember) -> [NodeID]? {
        guard let configuration = member.driver?.core.configuration, !configuration.isJoint,
            configuration.isVoter(member.id)
        else { return nil }
        return configuration.voters.map(\.id)
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

    func hideFollower() {
        let followers = members.filter { $0.driver?.core.role == .follower }
        guard !followers.isEmpty else { return }
        let follower = followers[Int(random.below(UInt64(followers.count)))].id
        isolate(follower)
        late = follower
    }

    /// A member begins to write a snapshot. How long it takes, where it leads a follower that is to be back before it is done.
    func returnFollower(of driver: RaftDriver) -> UInt64? {
        guard let follower = late, !isHealed,
            let match = driver.core.followers.first(where: { $0.id == follower })?.match,
            match + 1 < driver.core.firstIndex
        else { return nil }
        late = nil
        for other in members {
            repair(from: other.id, to: follower)
            repair(from: follower, to: other.id)
        }
        return 300_000_000 + random.below(1_500_000_000)
    }

    /// Nobody is elected while another reads by its lease.
    func brokenLease(by member: SimulatedMember, in term: UInt64) -> String? {
        let holder = members.first {
            // One that wins a campaign of before has nobody left to agree with it.
            $0.id != member.id && $0.driver != nil && $0.told.term != 0 && $0.told.term < term
                && $0.clock.reading(at: now) < $0.told.leaseEnd
        }
        return holder.map {
            "lease: \(member.id) is elected in term \(term), and \($0.id) holds a lease in \($0.told.term)"
        }
    }
}
