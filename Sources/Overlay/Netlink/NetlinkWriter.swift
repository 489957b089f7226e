import Platform

/// Builds netlink messages in host byte order: header, payload, attributes nested to any depth, all aligned to 4 bytes
/// (netlink(7), <linux/netlink.h>).
struct NetlinkWriter {
    private(set) var bytes: [UInt8] = []

    /// Appends one message; its length is filled in after `body` has run.
    mutating func message(
        type: UInt16, flags: UInt16, sequence: UInt32, _ body: (inout NetlinkWriter) -> Void
    ) {
        let start = bytes.count
        integer(UInt32(0))
        integer(type)
        integer(flags)
        integer(sequence)
        integer(UInt32(0))
        body(&self)
        align()
        patch(UInt32(bytes.count - start), at: start)
    }

    mutating func integer<T: FixedWidthInteger>(_ value: T) {
        withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
    }

    mutating func raw(_ content: some Sequence<UInt8>) {
        bytes.append(contentsOf: content)
    }

    /// Appends an attribute whose content `body` writes.
    ///
    /// - Precondition: the attribute is at most 65,535 bytes long; those who write lists cut them into several messages.
    mutating func attribute(_ type: some BinaryInteger, nested: Bool = false, _ body: (inout NetlinkWriter) -> Void) {
        let start = bytes.count
        integer(UInt16(0))
        integer(UInt16(truncatingIfNeeded: type) | (nested ? 0x8000 : 0))
        body(&self)
        let length = bytes.count - start
        precondition(length <= Int(UInt16.max), "a netlink attribute of \(length) bytes")
        patch(UInt16(length), at: start)
        align()
    }

    mutating func attribute(
        _ type: some RawRepresentable<UInt32>, nested: Bool = false, _ body: (inout NetlinkWriter) -> Void
    ) {
        attribute(type.rawValue, nested: nested, body)
    }

    /// A nested attribute with NLA_F_NESTED set.
    mutating func nest(_ type: some BinaryInteger, _ body: (inout NetlinkWriter) -> Void) {
        attribute(type, nested: true, body)
    }

    mutating func nest(_ type: some RawRepresentable<UInt32>, _ body: (inout NetlinkWriter) -> Void) {
        attribute(type.rawValue, nested: true, body)
    }

    mutating func value<T: FixedWidthInteger>(_ type: some BinaryInteger, _ number: T) {
        attribute(type) { $0.integer(number) }
    }

    mutating func value<T: FixedWidthInteger>(_ type: some RawRepresentable<UInt32>, _ number: T) {
        attribute(type) { $0.integer(number) }
    }

    /// A string with its terminating zero.
    mutating func text(_ type: some BinaryInteger, _ content: String) {
        attribute(type) {
            $0.raw(content.utf8)
            $0.raw([0])
        }
    }

    mutating func text(_ type: some RawRepresentable<UInt32>, _ content: String) {
        text(type.rawValue, content)
    }

    mutating func content(_ type: some BinaryInteger, _ content: some Sequence<UInt8>) {
        attribute(type) { $0.raw(content) }
    }

    mutating func content(_ type: some RawRepresentable<UInt32>, _ content: some Sequence<UInt8>) {
        attribute(type) { $0.raw(content) }
    }

    private mutating func align() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    private mutating func patch<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        withUnsafeBytes(of: value) { source in
            for (index, byte) in source.enumerated() { bytes[offset + index] = byte }
        }
    }
}
