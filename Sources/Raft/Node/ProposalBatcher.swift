/// Holds a leader's proposals back while earlier ones are on their way to a quorum: the next batch is then larger, and shares
/// one sync and one message with all that came meanwhile. A proposal that comes alone waits for nothing.
struct ProposalBatcher {
    enum Limits {
        /// Batches that are appended and not committed yet.
        static let underWay = 1
        /// What waits for longer, or is more, is appended in any case.
        static let patience = Duration.milliseconds(10)
        static let proposals = 256
    }

    private var waiting: [(bytes: [UInt8], promise: Mailbox.Promise)] = []
    private var since = MonotonicInstant.distantFuture
    /// The last entry of each batch that is under way.
    private var batches: [LogIndex] = []

    /// When what waits is due, whatever happens.
    var deadline: MonotonicInstant { waiting.isEmpty ? .distantFuture : since + Limits.patience }

    mutating func add(_ bytes: [UInt8], _ promise: Mailbox.Promise, at now: MonotonicInstant) {
        if waiting.isEmpty { since = now }
        waiting.append((bytes, promise))
    }

    mutating func areDue(_ role: Role, _ commitIndex: LogIndex, at now: MonotonicInstant) -> Bool {
        guard !waiting.isEmpty else { return false }
        batches.removeAll { $0 <= commitIndex }
        return role != .leader || batches.count < Limits.underWay || waiting.count >= Limits.proposals
            || now >= deadline
    }

    mutating func take() -> [(bytes: [UInt8], promise: Mailbox.Promise)] {
        defer { waiting = [] }
        return waiting
    }

    mutating func proposed(upTo index: LogIndex) { if batches.last != index { batches.append(index) } }
}
