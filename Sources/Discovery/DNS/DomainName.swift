/// A domain name in uncompressed wire form (RFC 1035, 3.1): labels, each behind its length, then a zero.
///
/// At most 255 bytes with labels of at most 63. Equality and hashing ignore the case of ASCII letters (RFC 4343); the
/// spelling is kept.
public struct DomainName: Sendable {
    /// Bytes of the longest name, its final zero included.
    public static let maximumLength = 255
    /// Bytes of the longest label.
    public static let maximumLabelLength = 63
    /// The name with no labels.
    public static let root = DomainName(uncheckedWire: [0])

    /// Uncompressed wire form, 1 to 255 bytes, the last one zero.
    public let wire: [UInt8]

    init(uncheckedWire wire: [UInt8]) {
        self.wire = wire
    }

    /// A name of these labels, each 1 to 63 bytes.
    public init(labels: some Sequence<some Collection<UInt8>>) throws(DNSFormatError) {
        var wire: [UInt8] = []
        for label in labels {
            try DomainName.append(label, to: &wire)
        }
        wire.append(0)
        self.wire = wire
    }

    /// A name from its presentation form: `web.example`, with or without a final dot; `\.` and `\DDD` are escapes
    /// (RFC 1035, 5.1).
    public init(_ text: some StringProtocol) throws(DNSFormatError) {
        var wire: [UInt8] = []
        var label: [UInt8] = []
        var offset = 0
        var sawDot = false
        let bytes = Array(text.utf8)
        if bytes == [UInt8(ascii: ".")] {
            self = .root
            return
        }
        while offset < bytes.count {
            let byte = bytes[offset]
            switch byte {
            case UInt8(ascii: "."):
                guard !label.isEmpty else { throw DNSFormatError(.emptyLabel, at: offset) }
                try DomainName.append(label, to: &wire, at: offset)
                label.removeAll(keepingCapacity: true)
                sawDot = true
                offset += 1
            case UInt8(ascii: "\\"):
                let (value, length) = try DomainName.unescape(bytes, at: offset)
                label.append(value)
                sawDot = false
                offset += length
            default:
                label.append(byte)
                sawDot = false
                offset += 1
            }
            guard label.count <= DomainName.maximumLabelLength else { throw DNSFormatError(.labelTooLong, at: offset) }
        }
        if !label.isEmpty {
            try DomainName.append(label, to: &wire, at: offset)
        } else if !sawDot {
            throw DNSFormatError(.emptyLabel, at: offset)
        }
        wire.append(0)
        self.wire = wire
    }

    /// The labels, leftmost first, as they are spelt.
    public var labels: [ArraySlice<UInt8>] {
        var result: [ArraySlice<UInt8>] = []
        var offset = 0
        while offset < wire.count, wire[offset] != 0 {
            let end = offset + 1 + Int(wire[offset])
            result.append(wire[(offset + 1)..<end])
            offset = end
        }
        return result
    }

    /// How many labels the name has; zero for the root.
    public var labelCount: Int {
        var count = 0
        var offset = 0
        while wire[offset] != 0 {
            count += 1
            offset += 1 + Int(wire[offset])
        }
        return count
    }

    /// The name without its leftmost label; nil for the root.
    public var parent: DomainName? {
        guard wire[0] != 0 else { return nil }
        return DomainName(uncheckedWire: Array(wire[(1 + Int(wire[0]))...]))
    }

    /// Whether this name is `ancestor` or lies below it.
    public func isWithin(_ ancestor: DomainName) -> Bool {
        var offset = 0
        while wire.count - offset > ancestor.wire.count {
            offset += 1 + Int(wire[offset])
        }
        return wire.count - offset == ancestor.wire.count
            && zip(wire[offset...], ancestor.wire).allSatisfy { DomainName.folded($0) == DomainName.folded($1) }
    }

    /// The name without `ancestor` at its end, as a name of its own; nil when it is not below it.
    public func removing(suffix ancestor: DomainName) -> DomainName? {
        guard isWithin(ancestor), wire.count > ancestor.wire.count else { return nil }
        return DomainName(uncheckedWire: Array(wire[..<(wire.count - ancestor.wire.count)]) + [0])
    }

    private static func append(
        _ label: some Collection<UInt8>, to wire: inout [UInt8], at offset: Int = 0
    ) throws(DNSFormatError) {
        guard !label.isEmpty else { throw DNSFormatError(.emptyLabel, at: offset) }
        guard label.count <= maximumLabelLength else { throw DNSFormatError(.labelTooLong, at: offset) }
        guard wire.count + label.count + 2 <= maximumLength else { throw DNSFormatError(.nameTooLong, at: offset) }
        wire.append(UInt8(label.count))
        wire.append(contentsOf: label)
    }

    private static func unescape(_ bytes: [UInt8], at offset: Int) throws(DNSFormatError) -> (UInt8, Int) {
        guard offset + 1 < bytes.count else { throw DNSFormatError(.badEscape, at: offset) }
        guard isDigit(bytes[offset + 1]) else { return (bytes[offset + 1], 2) }
        guard offset + 3 < bytes.count, isDigit(bytes[offset + 2]), isDigit(bytes[offset + 3]) else {
            throw DNSFormatError(.badEscape, at: offset)
        }
        let value = bytes[(offset + 1)...(offset + 3)].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard let byte = UInt8(exactly: value) else { throw DNSFormatError(.badEscape, at: offset) }
        return (byte, 4)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    /// ASCII upper case to lower; label lengths are below `A`, so whole wire forms can be folded byte by byte.
    @inline(__always)
    static func folded(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}

extension DomainName: Hashable {
    public static func == (left: DomainName, right: DomainName) -> Bool {
        guard left.wire.count == right.wire.count else { return false }
        for index in left.wire.indices where left.wire[index] != right.wire[index] {
            guard folded(left.wire[index]) == folded(right.wire[index]) else { return false }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        withUnsafeTemporaryAllocation(byteCount: wire.count, alignment: 1) { buffer in
            for index in wire.indices {
                buffer[index] = DomainName.folded(wire[index])
            }
            hasher.combine(bytes: UnsafeRawBufferPointer(buffer))
        }
    }
}

extension DomainName: CustomStringConvertible {
    /// Presentation form without a final dot; `.` for the root.
    public var description: String {
        guard wire.count > 1 else { return "." }
        var text: [UInt8] = []
        for label in labels {
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for byte in label {
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"):
                    text += [UInt8(ascii: "\\"), byte]
                case 0x21...0x7E:
                    text.append(byte)
                default:
                    text += [UInt8(ascii: "\\"), 0x30 + byte / 100, 0x30 + byte / 10 % 10, 0x30 + byte % 10]
                }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
