/// A learner that becomes a voter once it has caught up.
struct Promotion {
    let member: Member
    let token: UInt64
    let deadline: MonotonicInstant
}

extension RaftDriver {
    /// Adds a voter: as a learner first, so that no quorum waits for one that has nothing yet. The outcome carries `token`.
    package func addVoter(_ member: Member, token: UInt64) {
        let configuration = core.configuration
        if configuration.isVoter(member.id) { return propose(.add(member), token: token) }
        do {
            if core.role != .leader || !configuration.learners.contains(member) {
                _ = try core.propose(.addLearner(member), at: now)
            }
            promotions.append(Promotion(member: member, token: token, deadline: now + settings.promotionTimeout))
        } catch { finish(token, error) }
    }

    /// Makes voters of those who are ready.
    func promote() {
        guard !promotions.isEmpty else { return }
        var waiting: [Promotion] = []
        for promotion in promotions {
            let id = promotion.member.id
            if core.role != .leader {
                finish(
                    promotion.token, RaftError(.notLeader(leader: core.leaderMember), "\(id) stays a learner for now"))
            } else if core.hasCaughtUp(id) {
                do {
                    let index = try core.propose(.add(promotion.member), at: now)
                    waiters.add(index, core.term, promotion.token, until: now + settings.answerTimeout)
                } catch  where error.code == .changeInProgress && promotion.deadline > now {
                    waiting.append(promotion)
                } catch { finish(promotion.token, error) }
            } else if !core.configuration.contains(id) {
                finish(promotion.token, RaftError(.invalidChange, "\(id) was removed before it had caught up"))
            } else if promotion.deadline <= now {
                finish(
                    promotion.token, RaftError(.timedOut, "\(id) has not caught up yet and stays a learner; try again"))
            } else {
                waiting.append(promotion)
            }
        }
        promotions = waiting
    }
}
