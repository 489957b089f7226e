/// Builds little-endian, length-prefixed bytes.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func write<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(raw more: [UInt8]) { bytes.append(contentsOf: more) }

    /// A 32-bit length, then the bytes.
    mutating func write(prefixed more: [UInt8]) {
        write(UInt32(more.count))
        bytes.append(contentsOf: more)
    }

    mutating func pad(to count: Int) {
        if bytes.count < count { bytes.append(contentsOf: repeatElement(0, count: count - bytes.count)) }
    }
}
