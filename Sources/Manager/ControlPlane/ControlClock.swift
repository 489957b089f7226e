public import Platform

/// The two clocks a leader reads: the time of day for what objects say, a monotonic one for what it measures itself.
public struct ControlClock: Sendable {
    public let wall: @Sendable () -> Timestamp
    public let monotonic: @Sendable () -> Duration

    public init(wall: @escaping @Sendable () -> Timestamp, monotonic: @escaping @Sendable () -> Duration) {
        self.wall = wall
        self.monotonic = monotonic
    }

    /// The machine's.
    public static let system = ControlClock(
        wall: { SystemTime().wall }, monotonic: { SystemTime().monotonic })
}
