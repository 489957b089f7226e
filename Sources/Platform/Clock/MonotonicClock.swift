internal import Glibc

/// Where time comes from; tests and the simulator pass one of their own.
public protocol TimeSource: Sendable {
    /// Time since some start that never goes back.
    var monotonic: Duration { get }
    /// The time of day.
    var wall: Timestamp { get }
}

/// The time of this machine.
public struct SystemTime: TimeSource {
    public init() {}
    public var monotonic: Duration { .nanoseconds(MonotonicClock.nanoseconds()) }
    public var wall: Timestamp { WallClock.now() }
}

/// The machine's monotonic clock (CLOCK_MONOTONIC).
public enum MonotonicClock {
    /// Nanoseconds since boot, without suspended time.
    public static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

/// The machine's time of day (CLOCK_REALTIME).
public enum WallClock {
    /// The time of day now; it may jump, back as well as forward.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(truncatingIfNeeded: time.tv_nsec))
    }
}

extension Duration {
    /// The duration in whole nanoseconds, as near as 64 bits hold (292 years).
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
