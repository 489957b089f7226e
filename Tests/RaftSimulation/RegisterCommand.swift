/// What simulated clients do to one of a few registers.
package struct RegisterCommand: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case put = 1
        case compareAndSet
        case get
    }

    package var kind: Kind
    package var register: Int
    /// What a compare-and-set must find.
    package var expected: UInt64 = 0
    package var value: UInt64 = 0

    static let registers = 6
    private static let magic: UInt8 = 0xc1
    private static let bytes = 19

    package init(_ kind: Kind, register: Int, expected: UInt64 = 0, value: UInt64 = 0) {
        self.kind = kind
        self.register = register
        self.expected = expected
        self.value = value
    }

    /// `padding` bytes follow, so that commands differ in length.
    func encoded(padding: Int) -> [UInt8] {
        [Self.magic, kind.rawValue, UInt8(register)] + expected.littleEndianBytes + value.littleEndianBytes
            + [UInt8](repeating: 0x5a, count: padding)
    }

    /// Nil for other bytes.
    init?(_ data: [UInt8]) {
        guard data.count >= Self.bytes, data[0] == Self.magic, let kind = Kind(rawValue: data[1]) else { return nil }
        self.init(
            kind, register: Int(data[2]) % Self.registers, expected: UInt64(littleEndianBytes: data[3..<11]),
            value: UInt64(littleEndianBytes: data[11..<19]))
    }

    /// Carries it out on a register's value; returns what it found, and whether it wrote.
    package func apply(to value: inout UInt64) -> (found: UInt64, wrote: Bool) {
        let found = value
        let writes = kind == .put || (kind == .compareAndSet && value == expected)
        if writes { value = self.value }
        return (found, writes)
    }
}

extension UInt64 {
    var littleEndianBytes: [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }

    /// Eight bytes at most.
    init(littleEndianBytes bytes: ArraySlice<UInt8>) {
        self = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
