internal import Glibc

/// The clock of a member's thread.
enum MemberClock {
    /// CLOCK_BOOTTIME: it also counts while the machine is suspended, so that no lease outlives a suspension.
    static func now() -> MonotonicInstant { read(CLOCK_BOOTTIME) }

    /// The same moment by CLOCK_MONOTONIC, which is what a thread can wait for; it comes later if the machine is suspended.
    static func waitable(_ instant: MonotonicInstant) -> timespec {
        let (now, waitable) = (now().nanoseconds, read(CLOCK_MONOTONIC).nanoseconds)
        let rest = instant.nanoseconds - min(instant.nanoseconds, now)
        let time = waitable + min(rest, UInt64(Int32.max) * 1_000_000_000)
        return timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
    }

    private static func read(_ clock: clockid_t) -> MonotonicInstant {
        var time = timespec()
        clock_gettime(clock, &time)
        return MonotonicInstant(nanoseconds: UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec))
    }
}
