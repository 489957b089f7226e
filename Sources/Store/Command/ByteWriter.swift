/// Puts together length-prefixed binary: integers little endian, strings and byte strings after their u32 length.
public struct ByteWriter {
    public private(set) var bytes: [UInt8] = []

    /// - Parameter bytes: about so many will be written.
    public init(reserving bytes: Int = 0) { self.bytes.reserveCapacity(bytes) }

    public mutating func integer(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    public mutating func string(_ value: String) { data(Array(value.utf8)) }

    public mutating func data(_ value: [UInt8]) {
        integer(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    /// As it is, without a length.
    public mutating func raw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }
}

/// Takes apart what `ByteWriter` wrote; throws `StoreError` `.malformed` on anything else.
public struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    public var isAtEnd: Bool { position == bytes.endIndex }

    /// What was not read yet.
    public var rest: ArraySlice<UInt8> { bytes[position...] }

    public mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
        let width = MemoryLayout<Value>.size
        guard bytes.endIndex - position >= width else { throw StoreError(.malformed, "cut short at byte \(position)") }
        var value: Value = 0
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes[position..<position + width]) }
        position += width
        return Value(littleEndian: value)
    }

    public mutating func data() throws -> [UInt8] {
        let count = Int(try integer(UInt32.self))
        guard bytes.endIndex - position >= count else { throw StoreError(.malformed, "cut short at byte \(position)") }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    /// Passes over a byte string or a string.
    mutating func skip() throws {
        let count = Int(try integer(UInt32.self))
        guard bytes.endIndex - position >= count else { throw StoreError(.malformed, "cut short at byte \(position)") }
        position += count
    }

    public mutating func string() throws -> String {
        guard let text = String(validating: try data(), as: UTF8.self) else {
            throw StoreError(.malformed, "not UTF-8 before byte \(position)")
        }
        return text
    }
}
