/// The steps between a wish and a running container, timed as `martlet_phase_seconds{phase="..."}`: where the time of a
/// deploy goes. What is measured is the work of each step, not the wait for its turn.
public enum Phase: String, CaseIterable, Sendable {
    /// From a proposed command to its application on the leader: a majority's disks are in it.
    case raft
    /// One round of the leader's planners, up to what it proposes.
    case schedule
    /// A task's network namespace and its interfaces.
    case sandbox
    /// The packet filter's rules of one sandbox or of the host.
    case rules
    /// The resolver's sockets in a sandbox.
    case name
    /// The root file system and the bundle's files.
    case mount
    /// conmon, and under it the runtime's `create`.
    case create
    /// The runtime's `start`.
    case start

    private static let histograms: [Phase: Histogram] = Dictionary(
        uniqueKeysWithValues: allCases.map { phase in
            let histogram = Metrics.shared.histogram(
                "martlet_phase_seconds", "Time of each step between a wish and a running container.",
                labels: ["phase": phase.rawValue])
            return (phase, histogram)
        })

    /// Counts one step that took so long.
    public func observe(_ duration: Duration) { Self.histograms[self]?.observe(duration) }

    /// Times what is done in `body`, also where it fails.
    public func measure<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let begin = ContinuousClock.now
        defer { observe(begin.duration(to: .now)) }
        return try body()
    }

    /// The same for work that is waited for, on the caller's executor.
    public func measure<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let begin = ContinuousClock.now
        defer { observe(begin.duration(to: .now)) }
        return try await body()
    }
}
