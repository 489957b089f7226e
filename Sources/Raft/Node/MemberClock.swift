internal import Glibc
internal import Platform

/// The clock of a member's thread.
enum MemberClock {
    /// CLOCK_BOOTTIME: it also counts while the machine is suspended, so that no lease outlives a suspension.
    static func now() -> MonotonicInstant { read(CLOCK_BOOTTIME) }

    /// The same moment by `MonotonicClock` (CLOCK_MONOTONIC), in its nanoseconds, which is what a loop can wait for; it comes later
    /// if the machine is suspended.
    static func waitable(_ instant: MonotonicInstant) -> Int64 {
        let rest = instant.elapsed(since: now()).wholeNanoseconds
        return MonotonicClock.nanoseconds() + Int64(min(rest, UInt64(Int32.max) * 1_000_000_000))
    }

    private static func read(_ clock: clockid_t) -> MonotonicInstant {
        var time = timespec()
        clock_gettime(clock, &time)
        return MonotonicInstant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }
}
