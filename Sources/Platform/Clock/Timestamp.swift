/// A moment of the time of day, to the nanosecond, in UTC; written as RFC 3339, as Docker writes it.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970; before it negative.
    public let seconds: Int64
    /// 0 to 999,999,999, counted forward from `seconds`.
    public let nanoseconds: Int32

    /// Surplus nanoseconds are carried into the seconds.
    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        var carry = Int64(nanoseconds / 1_000_000_000)
        var rest = nanoseconds % 1_000_000_000
        if rest < 0 {
            rest += 1_000_000_000
            carry -= 1
        }
        self.seconds = seconds &+ carry
        self.nanoseconds = rest
    }

    /// 0001-01-01T00:00:00Z: what Go, and so Docker, prints for "never".
    public static let zero = Timestamp(seconds: -62_135_596_800)

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// From one moment to another.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .seconds(left.seconds &- right.seconds) + .nanoseconds(Int64(left.nanoseconds - right.nanoseconds))
    }

    public static func + (left: Timestamp, right: Duration) -> Timestamp {
        let (seconds, attoseconds) = right.components
        return Timestamp(
            seconds: left.seconds &+ seconds, nanoseconds: left.nanoseconds + Int32(attoseconds / 1_000_000_000))
    }

    /// RFC 3339 with as many digits of the second as needed: `2026-11-23T20:40:00.5Z`.
    public var description: String { formatted(fixedWidth: false) }

    /// RFC 3339 with nine digits of the second, as Docker stamps log lines.
    public var fixedWidth: String { formatted(fixedWidth: true) }

    private func formatted(fixedWidth: Bool) -> String {
        let date = CivilDate(daysSince1970: Self.floorDivide(seconds, 86_400))
        let second = seconds - Self.floorDivide(seconds, 86_400) * 86_400
        return String(unsafeUninitializedCapacity: 48) { buffer in
            var writer = DigitWriter(buffer)
            writer.number(date.year, width: 4)
            writer.byte("-")
            writer.number(Int64(date.month), width: 2)
            writer.byte("-")
            writer.number(Int64(date.day), width: 2)
            writer.byte("T")
            writer.number(second / 3600, width: 2)
            writer.byte(":")
            writer.number(second / 60 % 60, width: 2)
            writer.byte(":")
            writer.number(second % 60, width: 2)
            if fixedWidth || nanoseconds != 0 {
                var digits = Int64(nanoseconds)
                var width = 9
                while !fixedWidth && digits % 10 == 0 {
                    digits /= 10
                    width -= 1
                }
                writer.byte(".")
                writer.number(digits, width: width)
            }
            writer.byte("Z")
            return writer.count
        }
    }

    static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        value >= 0 ? value / divisor : (value &+ 1) / divisor - 1
    }

    /// Reads RFC 3339, with `Z` or an offset, at most nine digits of the second counted; nil when it is something else.
    public init?(_ text: String) {
        var reader = DigitReader(Array(text.utf8.prefix(64)))
        guard text.utf8.count <= 64,
            let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
            let day = reader.number(2), reader.skip("T") || reader.skip("t") || reader.skip(" "),
            let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), reader.skip(":"),
            let second = reader.number(2), (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int32 = 0
        if reader.skip(".") {
            guard let read = reader.fraction() else { return nil }
            fraction = read
        }
        var offset: Int64 = 0
        if !(reader.skip("Z") || reader.skip("z")) {
            let east = reader.skip("+")
            guard east || reader.skip("-"), let hours = reader.number(2), reader.skip(":"),
                let minutes = reader.number(2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (east ? 1 : -1)
        }
        let date = CivilDate(year: year, month: Int(month), day: Int(day))
        guard reader.isAtEnd, CivilDate(daysSince1970: date.daysSince1970) == date else { return nil }
        self.init(
            seconds: date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds: fraction)
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time: \(text)")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A day of the proleptic Gregorian calendar, by the 400-year cycle counted from March.
struct CivilDate: Equatable {
    var year: Int64
    var month: Int
    var day: Int

    init(year: Int64, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    init(daysSince1970: Int64) {
        let shifted = daysSince1970 + 719_468
        let era = Timestamp.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1)
        month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    var daysSince1970: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = Timestamp.floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let marchMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(day) - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

private struct DigitWriter {
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ buffer: UnsafeMutableBufferPointer<UInt8>) { self.buffer = buffer }

    mutating func byte(_ scalar: Unicode.Scalar) {
        buffer[count] = UInt8(truncatingIfNeeded: scalar.value)
        count += 1
    }

    mutating func number(_ value: Int64, width: Int) {
        var rest = value.magnitude
        var digits = 1
        var bound: UInt64 = 10
        while rest >= bound && digits < 19 {
            bound *= 10
            digits += 1
        }
        if value < 0 { byte("-") }
        let total = max(width, digits)
        for position in stride(from: total - 1, through: 0, by: -1) {
            buffer[count + position] = UInt8(48 + rest % 10)
            rest /= 10
        }
        count += total
    }
}

private struct DigitReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == scalar.value else { return false }
        position += 1
        return true
    }

    private mutating func digit() -> Int64? {
        guard position < bytes.count, (48...57).contains(bytes[position]) else { return nil }
        position += 1
        return Int64(bytes[position - 1]) - 48
    }

    mutating func number(_ width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func fraction() -> Int32? {
        var value: Int32 = 0
        var scale: Int32 = 100_000_000
        guard let first = digit() else { return nil }
        value = Int32(first) * scale
        while let digit = digit() {
            scale /= 10
            value += Int32(digit) * scale
        }
        return value
    }
}
