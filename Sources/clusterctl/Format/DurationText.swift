import Platform

/// Durations as users write them and as Docker prints them.
enum DurationText {
    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9), ("d", 86_400e9),
    ]

    /// Nanoseconds of `1m30s`, `500ms`, `1.5h`, `2d` or `0`; nil for anything else, also for what 64 bits do not hold.
    static func parse(_ text: String) -> Int64? {
        if text == "0" { return 0 }
        guard !text.isEmpty, text.utf8.count <= 64 else { return nil }
        var rest = text[...]
        var sum = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard let number = Double(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let suffix = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            guard let unit = units.first(where: { $0.suffix == suffix }) else { return nil }
            rest = rest.dropFirst(suffix.count)
            sum += number * unit.nanoseconds
        }
        return sum < 9.2e18 ? Int64(sum.rounded()) : nil
    }

    /// `3 minutes`, `About an hour`: the largest unit that says something, as Docker words it.
    static func human(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        let minutes = seconds / 60
        let hours = (seconds + 1800) / 3600
        switch seconds {
        case ..<1: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        case _ where minutes == 1: return "About a minute"
        case _ where minutes < 60: return "\(minutes) minutes"
        case _ where hours == 1: return "About an hour"
        case _ where hours < 48: return "\(hours) hours"
        case _ where hours < 24 * 7 * 2: return "\(hours / 24) days"
        case _ where hours < 24 * 30 * 2: return "\(hours / 24 / 7) weeks"
        case _ where hours < 24 * 365 * 2: return "\(hours / 24 / 30) months"
        default: return "\(hours / 24 / 365) years"
        }
    }

    /// `3 minutes ago`; empty for an instant that never was.
    static func ago(_ instant: Timestamp, now: Timestamp) -> String {
        instant == .zero ? "" : human(now - instant) + " ago"
    }

    /// `1.2 s`, for what was measured.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let tenths = attoseconds / 100_000_000_000_000_000
        return "\(seconds).\(tenths) s"
    }
}
