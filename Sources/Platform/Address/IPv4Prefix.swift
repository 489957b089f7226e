/// A block of IPv4 addresses, or an address within one with its length, as in `10.0.0.1/24`.
public struct IPv4Prefix: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as given, host bits included.
    public let address: IPv4Address
    /// The number of network bits, 0 to 32.
    public let length: Int

    /// A length outside of 0 to 32 is a programmer's error.
    public init(address: IPv4Address, length: Int) {
        precondition((0...32).contains(length), "a prefix length of \(length)")
        self.address = address
        self.length = length
    }

    /// `a.b.c.d/n`; nil when it is something else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(parts[0]), (1...2).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let length = Int(parts[1]), length <= 32
        else { return nil }
        self.init(address: address, length: length)
    }

    /// The network bits set.
    public var mask: IPv4Address { IPv4Address(value: length == 0 ? 0 : UInt32.max << (32 - UInt32(length))) }
    /// The block itself: host bits cleared.
    public var network: IPv4Prefix {
        IPv4Prefix(address: IPv4Address(value: address.value & mask.value), length: length)
    }
    public var first: IPv4Address { network.address }
    public var last: IPv4Address { IPv4Address(value: address.value | ~mask.value) }
    /// The last address, to which a packet is for all.
    public var broadcast: IPv4Address { last }
    /// How many addresses there are, 1 to 2^32.
    public var count: Int { 1 << (32 - length) }

    /// Whether the address, or all of the other block, lies in this one.
    public func contains(_ other: IPv4Address) -> Bool { other.value & mask.value == first.value }
    public func contains(_ other: IPv4Prefix) -> Bool { other.length >= length && contains(other.address) }
    /// Whether an address lies in both.
    public func overlaps(_ other: IPv4Prefix) -> Bool { contains(other.first) || other.contains(first) }

    /// The address at an offset from the first; nil outside of the block.
    public subscript(offset offset: Int) -> IPv4Address? {
        (0..<count).contains(offset) ? first.advanced(by: offset) : nil
    }

    public var description: String { "\(address)/\(length)" }

    public static func < (left: IPv4Prefix, right: IPv4Prefix) -> Bool {
        (left.address, left.length) < (right.address, right.length)
    }
}

extension IPv4Prefix: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let prefix = IPv4Prefix(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an IPv4 prefix: \(text)")
        }
        self = prefix
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
