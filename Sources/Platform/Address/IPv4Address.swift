/// An IPv4 address.
public struct IPv4Address: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as a number: 10.0.0.1 is 0x0a000001.
    public let value: UInt32

    public init(value: UInt32) { self.value = value }

    public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        value = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
    }

    /// Four decimal numbers between dots, without leading zeros; nil when it is something else.
    public init?(_ text: some StringProtocol) {
        var value: UInt32 = 0
        var part: UInt32?
        var parts = 1
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "."):
                guard let number = part, parts < 4 else { return nil }
                value = value << 8 | number
                part = nil
                parts += 1
            case 48...57:
                let digit = UInt32(byte) - 48
                guard part != 0 else { return nil }
                let number = (part ?? 0) * 10 + digit
                guard number <= 255 else { return nil }
                part = number
            default:
                return nil
            }
        }
        guard let number = part, parts == 4 else { return nil }
        self.value = value << 8 | number
    }

    /// Four bytes in network order; nil for another number of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    public static let any = IPv4Address(value: 0)
    public static let loopback = IPv4Address(127, 0, 0, 1)

    /// The four bytes in network order.
    public var bytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16),
            UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value),
        ]
    }

    /// 127.0.0.0/8.
    public var isLoopback: Bool { value >> 24 == 127 }

    public var description: String {
        "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
    }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.value < right.value }

    /// The address that is `distance` further on, around the end of the number range.
    public func advanced(by distance: Int) -> IPv4Address {
        IPv4Address(value: value &+ UInt32(truncatingIfNeeded: distance))
    }
}

extension IPv4Address: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = IPv4Address(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an IPv4 address: \(text)")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
