/// An error that says of bytes that they are not what they should be.
public protocol MalformedBytesError: Error {
    static func malformed(_ message: String) -> Self
}

/// Takes apart what `ByteWriter` wrote; every read is checked against what is left. It throws the error of the module whose
/// format it is.
public struct BinaryReader<Failure: MalformedBytesError> {
    @usableFromInline let bytes: ArraySlice<UInt8>
    /// The next one's index in the slice.
    @usableFromInline var position: Int

    @inlinable
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    @inlinable
    public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    @inlinable
    public var remaining: Int { bytes.endIndex - position }

    @inlinable
    public var isAtEnd: Bool { position == bytes.endIndex }

    /// What was not read yet.
    @inlinable
    public var rest: ArraySlice<UInt8> { bytes[position...] }

    @inlinable
    public mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(Failure) -> Value {
        let start = try pass(MemoryLayout<Value>.size)
        var value: Value = 0
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: bytes[start..<position]) }
        return Value(littleEndian: value)
    }

    /// A byte string; throws for one that is longer than `limit`.
    @inlinable
    public mutating func data(limit: Int = .max) throws(Failure) -> [UInt8] {
        let count = try integer(UInt32.self)
        guard count <= limit else { throw .malformed("\(count) bytes where at most \(limit) are allowed") }
        return try raw(Int(count))
    }

    @inlinable
    public mutating func string() throws(Failure) -> String {
        let start = try pass(Int(try integer(UInt32.self)))
        guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
            throw .malformed("not UTF-8 before byte \(position)")
        }
        return text
    }

    /// So many bytes as they are.
    @inlinable
    public mutating func raw(_ count: Int) throws(Failure) -> [UInt8] {
        let start = try pass(count)
        return Array(bytes[start..<position])
    }

    /// Passes over a byte string or a string.
    @inlinable
    public mutating func skip() throws(Failure) { _ = try pass(Int(try integer(UInt32.self))) }

    @inlinable
    public func expectEnd() throws(Failure) {
        guard isAtEnd else { throw .malformed("\(remaining) bytes too many") }
    }

    /// Returns where the passed ones begin.
    @inlinable
    mutating func pass(_ count: Int) throws(Failure) -> Int {
        guard count >= 0, count <= remaining else {
            throw .malformed("cut short at byte \(position): \(count) bytes wanted, \(remaining) left")
        }
        defer { position += count }
        return position
    }
}
