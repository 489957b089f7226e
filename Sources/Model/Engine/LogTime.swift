public import Platform

/// Instants as log requests say them: seconds since 1970 with a fraction, or RFC 3339.
public enum LogTime {
    /// The last second of the year 9999.
    private static let lastSecond: Int64 = 253_402_300_799

    /// Nil for no text, an empty one and zero (all mean "no limit"), and for one that is neither form.
    public static func parse(_ text: String?) -> Timestamp? {
        guard let text, !isAbsent(text) else { return nil }
        if let timestamp = Timestamp(text) { return timestamp }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let seconds = Int64(String(first) ?? ""),
            (-lastSecond...lastSecond).contains(seconds)
        else { return nil }
        let digits = parts.count == 2 ? Array(parts[1].prefix(9)) : []
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var nanoseconds: Int32 = 0
        for place in 0..<9 { nanoseconds = nanoseconds * 10 + (place < digits.count ? Int32(digits[place] - 0x30) : 0) }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// Whether the parameter says nothing.
    public static func isAbsent(_ text: String?) -> Bool { text.map { $0.isEmpty || $0 == "0" } ?? true }
}
