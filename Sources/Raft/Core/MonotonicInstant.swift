/// A point on a clock that never runs backwards, in nanoseconds from an origin of the driver's choice.
public struct MonotonicInstant: Hashable, Comparable, Sendable {
    public let nanoseconds: UInt64

    /// Never comes.
    static let distantFuture = MonotonicInstant(nanoseconds: .max)

    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    public static func < (left: MonotonicInstant, right: MonotonicInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    public static func + (instant: MonotonicInstant, delay: Duration) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: instant.nanoseconds &+ delay.wholeNanoseconds)
    }

    /// How long ago `earlier` was, zero if it is not in the past.
    public func elapsed(since earlier: MonotonicInstant) -> Duration {
        self <= earlier ? .zero : .nanoseconds(Int64(clamping: nanoseconds - earlier.nanoseconds))
    }
}

extension Duration {
    /// Nanoseconds, negative durations as zero.
    var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        return UInt64(max(0, seconds)) &* 1_000_000_000 &+ UInt64(max(0, attoseconds / 1_000_000_000))
    }
}
