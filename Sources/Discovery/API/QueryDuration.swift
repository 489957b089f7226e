import HTTP

/// Durations as Consul writes them, which is Go's way: `10s`, `1m30s`, `1.5h`, `250ms`.
enum QueryDuration {
    /// Longer texts are no durations.
    private static let textLimit = 64
    /// Nothing here lasts longer: a hundred years.
    private static let limitNanoseconds = 100.0 * 365 * 86_400 * 1e9

    /// Nil where it is none, negative, or absurdly long.
    static func parse(_ text: String) -> Duration? {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= textLimit else { return nil }
        if bytes == [UInt8(ascii: "0")] { return .zero }
        var rest = bytes[...]
        var nanoseconds = 0.0
        while !rest.isEmpty {
            let digits = rest.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
            rest = rest.dropFirst(unit.count)
            guard let number = number(digits), let scale = scale(String(decoding: unit, as: UTF8.self)) else {
                return nil
            }
            nanoseconds += number * scale
        }
        guard nanoseconds <= limitNanoseconds else { return nil }
        return .nanoseconds(Int64(nanoseconds))
    }

    /// Go's own spelling of whole durations: `15s`, `1m30s`, `24h0m0s`.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        guard attoseconds == 0 else {
            let milliseconds = seconds * 1_000 + attoseconds / 1_000_000_000_000_000
            return "\(milliseconds)ms"
        }
        if seconds >= 3_600 { return "\(seconds / 3_600)h\(seconds / 60 % 60)m\(seconds % 60)s" }
        return seconds >= 60 ? "\(seconds / 60)m\(seconds % 60)s" : "\(seconds)s"
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Double? {
        guard digits.contains(where: { $0 != UInt8(ascii: ".") }) else { return nil }
        return Double(String(decoding: digits, as: UTF8.self).trimmingDots)
    }

    private static func scale(_ unit: String) -> Double? {
        switch unit {
        case "ns": 1
        case "us", "µs", "μs": 1e3
        case "ms": 1e6
        case "s": 1e9
        case "m": 60e9
        case "h": 3_600e9
        default: nil
        }
    }
}

extension String {
    /// `.5` and `5.`, which Go reads.
    fileprivate var trimmingDots: String {
        (hasPrefix(".") ? "0" : "") + self + (hasSuffix(".") ? "0" : "")
    }
}
