import Platform

/// One message as received: header fields and payload. Parsing never reads past what is there.
struct NetlinkMessage: Sendable, Equatable {
    static let headerLength = 16

    let type: UInt16
    let flags: UInt16
    let sequence: UInt32
    let payload: ArraySlice<UInt8>

    /// Splits a datagram into its messages.
    static func parse(_ datagram: [UInt8]) throws(OverlayError) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var rest = datagram[...]
        while rest.count >= headerLength {
            let length = Int(rest.number(at: 0, as: UInt32.self) ?? 0)
            guard length >= headerLength, length <= rest.count else {
                throw OverlayError(
                    .malformedMessage, "netlink message of \(length) bytes in \(rest.count) bytes of datagram")
            }
            messages.append(
                NetlinkMessage(
                    type: rest.number(at: 4) ?? 0, flags: rest.number(at: 6) ?? 0, sequence: rest.number(at: 8) ?? 0,
                    payload: rest.dropFirst(headerLength).prefix(length - headerLength)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }

    /// The attributes behind a fixed header of `offset` bytes.
    func attributes(after offset: Int) throws(OverlayError) -> NetlinkAttributes {
        guard payload.count >= offset else {
            throw OverlayError(
                .malformedMessage, "netlink payload of type \(type) is \(payload.count) bytes, wants \(offset)")
        }
        return try NetlinkAttributes(payload.dropFirst(offset))
    }
}

/// A list of attributes; each value stays a slice of the datagram until someone asks for it.
struct NetlinkAttributes: Sendable {
    /// More than the kernel ever sends in one list; bounds what garbage can make of us.
    static let countLimit = 16_384
    private static let typeMask: UInt16 = 0x3fff

    private(set) var entries: [(type: UInt16, value: ArraySlice<UInt8>)] = []

    init(_ bytes: ArraySlice<UInt8>) throws(OverlayError) {
        var rest = bytes
        while rest.count >= 4 {
            let length = Int(rest.number(at: 0, as: UInt16.self) ?? 0)
            guard length >= 4, length <= rest.count, entries.count < Self.countLimit else {
                throw OverlayError(
                    .malformedMessage, "netlink attribute of \(length) bytes in \(rest.count) bytes of list")
            }
            let type: UInt16 = rest.number(at: 2) ?? 0
            entries.append((type & Self.typeMask, rest.dropFirst(4).prefix(length - 4)))
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }

    subscript(type: some BinaryInteger) -> ArraySlice<UInt8>? {
        entries.first { $0.type == UInt16(truncatingIfNeeded: type) }?.value
    }

    subscript(type: some RawRepresentable<UInt32>) -> ArraySlice<UInt8>? { self[type.rawValue] }

    /// A number in host byte order; nil where it is missing or shorter.
    func number<T: FixedWidthInteger>(_ type: some BinaryInteger, as _: T.Type = T.self) -> T? {
        self[type]?.number(at: 0)
    }

    func number<T: FixedWidthInteger>(_ type: some RawRepresentable<UInt32>, as _: T.Type = T.self) -> T? {
        self[type]?.number(at: 0)
    }

    /// A string up to its terminating zero.
    func text(_ type: some BinaryInteger) -> String? {
        self[type].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    func text(_ type: some RawRepresentable<UInt32>) -> String? { text(type.rawValue) }

    func address(_ type: some BinaryInteger) -> IPv4Address? {
        self[type].flatMap { IPv4Address(bytes: $0) }
    }

    func address(_ type: some RawRepresentable<UInt32>) -> IPv4Address? { address(type.rawValue) }

    func nested(_ type: some BinaryInteger) throws(OverlayError) -> NetlinkAttributes? {
        guard let content = self[type] else { return nil }
        return try NetlinkAttributes(content)
    }

    func nested(_ type: some RawRepresentable<UInt32>) throws(OverlayError) -> NetlinkAttributes? {
        try nested(type.rawValue)
    }
}

extension ArraySlice<UInt8> {
    /// A number in host byte order at an offset from the slice's start; nil past the end.
    func number<T: FixedWidthInteger>(at offset: Int, as _: T.Type = T.self) -> T? {
        guard offset >= 0, count - offset >= MemoryLayout<T>.size else { return nil }
        return withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: T.self) }
    }
}
