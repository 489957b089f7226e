internal import Platform

/// The envelope of everything that is replicated: `format u8, kind string, payload to the end`.
public struct Command: Sendable, Equatable {
    /// A reader refuses any other.
    public static let format: UInt8 = 1
    /// The most changes one proposal carries.
    public static let writesLimit = 200

    public let kind: String
    public let payload: ArraySlice<UInt8>

    public init(kind: String, payload: [UInt8]) {
        self.kind = kind
        self.payload = payload[...]
    }

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: payload.count + kind.utf8.count + 5)
        writer.integer(Self.format)
        writer.string(kind)
        writer.raw(payload)
        return writer.bytes
    }

    /// The kind alone.
    static func kind(of bytes: [UInt8]) throws -> String {
        var reader = ByteReader(bytes[...])
        guard try reader.integer(UInt8.self) == format else { throw StoreError(.malformed, "not a command") }
        return try reader.string()
    }

    public init(decoding bytes: [UInt8]) throws {
        let parts = try Self.parts(of: bytes)
        guard let kind = String(validating: parts.kind, as: UTF8.self) else {
            throw StoreError(.malformed, "a command of a kind that is not UTF-8")
        }
        (self.kind, payload) = (kind, parts.payload)
    }

    /// The kind as it is spelled, and the payload; nothing is copied.
    static func parts(of bytes: [UInt8]) throws -> (kind: ArraySlice<UInt8>, payload: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes[...])
        let format = try reader.integer(UInt8.self)
        guard format == Self.format else {
            throw StoreError(.unknownKind, "command format \(format) is not known to this version, which knows 1")
        }
        let start = reader.rest.startIndex + MemoryLayout<UInt32>.size
        try reader.skip()
        return (bytes[start..<reader.rest.startIndex], reader.rest)
    }
}

/// What one kind of command does to the state. Nothing in it may depend on the machine, the clock or a hash seed.
public protocol CommandKind: Sendable {
    var name: String { get }
    /// The `CommandLevel` of the first version that knows it.
    var level: Int { get }

    /// Changes the state; a thrown `Conflict` rejects the command as a whole, anything else stops the member.
    ///
    /// - Returns: what the proposer gets to see besides the revision.
    func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8]
}

extension CommandKind {
    public var level: Int { CommandLevel.first }
}
