internal import Platform

extension RaftNode.Status {
    /// What is to be said of how states compare.
    enum StateNews {
        case diverged(Divergence)
        case mended
        case differs(NodeID)
        case tied
    }

    /// Takes over what the core knows; what is new in it.
    mutating func noteStates(of driver: RaftDriver) -> [StateNews] {
        var news: [StateNews] = []
        if driver.core.divergence != divergence {
            news.append(driver.core.divergence.map { .diverged($0) } ?? .mended)
            divergence = driver.core.divergence
        }
        if driver.core.differing != differing {
            news += driver.core.differing.filter { !differing.contains($0) }.map { .differs($0) }
            differing = driver.core.differing
        }
        if driver.core.isTied != isTied {
            if driver.core.isTied { news.append(.tied) }
            isTied = driver.core.isTied
        }
        return news
    }
}

extension RaftNode {
    private static let divergences = Metrics.shared.counter(
        "martlet_raft_state_divergences_total", "How often this member's state was found to differ from the others'.")
    private static let isDiverged = Metrics.shared.gauge(
        "martlet_raft_state_diverged", "1 while this member's state is not to be believed.")

    /// Loudly: nothing of this should ever happen.
    func tell(_ news: Status.StateNews) {
        switch news {
        case .diverged(let divergence):
            Self.divergences.increment()
            Self.isDiverged.set(1)
            log.error(
                "this member's state differs from the others': it answers nothing until it has been given theirs",
                ["member": id.description, "state": "\(divergence)"])
        case .mended:
            Self.isDiverged.set(0)
            log.warning("this member's state was replaced by the leader's", ["member": id.description])
        case .differs(let member):
            log.error("a member's state differs from what most have", ["member": member.description])
        case .tied:
            log.error(
                "the members' states differ, and no majority says which one is right: take backups of all, and compare",
                ["member": id.description])
        }
    }
}
