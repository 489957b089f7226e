/// Puts together length-prefixed binary: integers little endian, strings and byte strings after their u32 length.
public struct ByteWriter {
    @usableFromInline var written: [UInt8] = []

    /// - Parameter bytes: about so many will be written.
    @inlinable
    public init(reserving bytes: Int = 0) { written.reserveCapacity(bytes) }

    @inlinable
    public var bytes: [UInt8] { written }

    @inlinable
    public mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { written.append(contentsOf: $0) }
    }

    @inlinable
    public mutating func string(_ value: String) {
        integer(UInt32(value.utf8.count))
        written.append(contentsOf: value.utf8)
    }

    @inlinable
    public mutating func data(_ value: [UInt8]) {
        integer(UInt32(value.count))
        written.append(contentsOf: value)
    }

    /// As it is, without a length.
    @inlinable
    public mutating func raw(_ value: some Sequence<UInt8>) { written.append(contentsOf: value) }

    /// Zeros up to that length in all.
    @inlinable
    public mutating func pad(to count: Int) {
        if written.count < count { written.append(contentsOf: repeatElement(0, count: count - written.count)) }
    }
}
