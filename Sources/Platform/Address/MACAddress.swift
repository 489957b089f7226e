/// A 48-bit Ethernet address.
public struct MACAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as a number; the upper 16 bits are zero.
    public let value: UInt64

    /// Bits above the 48 are dropped.
    public init(value: UInt64) { self.value = value & 0xffff_ffff_ffff }

    /// Six bytes, the first to be sent first; nil for another number of them.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Six hexadecimal pairs between colons; nil when it is something else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts.allSatisfy({ $0.utf8.count == 2 }),
            let bytes = Digest.bytes(hex: parts.joined())
        else { return nil }
        self.init(bytes: bytes)
    }

    /// The address that goes with an IPv4 address on an overlay: `02:42` (locally administered, as Docker's), then its bytes.
    public init(derivedFrom address: IPv4Address) {
        value = 0x0242 << 32 | UInt64(address.value)
    }

    public var bytes: [UInt8] {
        stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    public var description: String {
        bytes.map { Digest.hex([$0]) }.joined(separator: ":")
    }

    public static func < (left: MACAddress, right: MACAddress) -> Bool { left.value < right.value }
}

extension MACAddress: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = MACAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a MAC address: \(text)")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
