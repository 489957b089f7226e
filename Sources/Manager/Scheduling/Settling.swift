internal import Model

/// The first moments of a leader: its nodes come to it one after the other, and the first to come must not get everything that
/// waits. Placement is held until all are here that are awaited, or for a moment no more come.
struct Settling {
    /// Without an arrival, until those who are here are enough.
    static let quiet: Duration = .milliseconds(500)
    /// From the first arrival, until nobody is waited for any more.
    static let longest: Duration = .seconds(2)

    private var awaited: Set<String>?
    private var first: Duration?
    private var last: Duration = .zero

    /// Sees who is here, and who is not any more unknown since the last look.
    mutating func look(at nodes: [Node], now: Duration) {
        let active = nodes.filter { $0.spec.availability == .active }
        let unknown = Set(active.filter { $0.status.isDoubted }.map(\.id))
        let here = active.filter { $0.status.state == .ready }
        let hasArrivals = awaited.map { awaited in here.contains { awaited.contains($0.id) } } ?? !here.isEmpty
        awaited = unknown
        guard hasArrivals else { return }
        first = first ?? now
        last = now
    }

    /// How long placement is still held; nil for not at all.
    func wait(at now: Duration) -> Duration? {
        guard let awaited, !awaited.isEmpty, let first else { return nil }
        let end = min(last + Self.quiet, first + Self.longest)
        return now < end ? end - now : nil
    }
}
