/// Holds a leader's proposals back while earlier ones are on their way to a quorum: the next batch is then larger, and shares
/// one sync and one message with all that came meanwhile. A proposal that comes alone waits for nothing.
///
/// Callers that were answered together are likely to come again together: the next batch waits a moment for them, or they and
/// those who came meanwhile would take turns for ever, in two batches of half the size.
struct ProposalBatcher<Proposal> {
    typealias Limits = ProposalBatcherLimits

    private var waiting: [Proposal] = []
    private var since = MonotonicInstant.distantFuture
    /// The batch that is appended and not committed yet; its last entry.
    private var underWay: (last: LogIndex, count: Int, since: MonotonicInstant)?
    /// How many are expected to come until a moment.
    private var expected: (count: Int, until: MonotonicInstant) = (1, MonotonicInstant(nanoseconds: 0))

    mutating func add(_ proposal: Proposal, at now: MonotonicInstant) {
        if waiting.isEmpty { since = now }
        waiting.append(proposal)
    }

    /// To be called when the member's role or what it has committed may be another than before.
    mutating func note(_ role: Role, _ commitIndex: LogIndex, at now: MonotonicInstant) {
        guard let batch = underWay else { return }
        guard role == .leader else {
            (underWay, expected) = (nil, (1, MonotonicInstant(nanoseconds: 0)))
            return
        }
        guard batch.last <= commitIndex else { return }
        underWay = nil
        let linger = min(Limits.linger, now.elapsed(since: batch.since) / 2)
        expected = (min(Limits.proposals, (batch.count + waiting.count) * 3 / 4), now + linger)
    }

    func areDue(at now: MonotonicInstant) -> Bool {
        !waiting.isEmpty && (now >= since + Limits.patience || waiting.count >= wanted(at: now))
    }

    /// How many more proposals make a batch, and when what there is becomes one whatever comes.
    func need(at now: MonotonicInstant) -> (proposals: Int, until: MonotonicInstant) {
        let patience = (waiting.isEmpty ? now : since) + Limits.patience
        let missing = max(1, wanted(at: now) - waiting.count)
        if underWay != nil { return (missing, patience) }
        if missing > 1 || !waiting.isEmpty { return (missing, min(patience, expected.until)) }
        return (1, .distantFuture)
    }

    private func wanted(at now: MonotonicInstant) -> Int {
        if underWay != nil { return Limits.proposals }
        return now < expected.until ? max(1, expected.count) : 1
    }

    mutating func take() -> [Proposal] {
        defer { waiting = [] }
        return waiting
    }

    /// So many were appended.
    mutating func proposed(_ count: Int, upTo index: LogIndex, at now: MonotonicInstant) {
        underWay = (index, count, now)
    }
}

enum ProposalBatcherLimits {
    /// What waits for longer, or is more, is appended in any case.
    static let patience = Duration.milliseconds(10)
    static let proposals = 256
    /// The longest wait for those who were just answered; at most half of what the last batch took.
    static let linger = Duration.milliseconds(1)
}
