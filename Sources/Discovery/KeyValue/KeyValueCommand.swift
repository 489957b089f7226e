public import Store

/// The kind `kv`: one change of one key.
///
/// `format u8, operation u8, flags u64, expected u64, key (u32 length), value to the end`.
public struct KeyValueCommand: CommandKind {
    private static let format: UInt8 = 1

    enum Operation: UInt8 {
        case set = 1
        /// Only if the key's version is the expected one; 0 means that it must not exist.
        case checkAndSet = 2
        case delete = 3
        case checkAndDelete = 4
        /// All keys that begin so.
        case deleteTree = 5
    }

    public let name = "kv"

    public init() {}

    static func command(
        _ operation: Operation, key: [UInt8], value: [UInt8] = [], flags: UInt64 = 0, expected: UInt64 = 0
    ) -> Command {
        var writer = ByteWriter()
        writer.integer(format)
        writer.integer(operation.rawValue)
        writer.integer(flags)
        writer.integer(expected)
        writer.data(key)
        writer.raw(value)
        return Command(kind: "kv", payload: writer.bytes)
    }

    /// - Returns: one byte, 1 where the condition held.
    public func apply(_ payload: [UInt8], to state: inout AppliedChanges) throws -> [UInt8] {
        var reader = ByteReader(payload[...])
        guard try reader.integer(UInt8.self) == Self.format,
            let operation = Operation(rawValue: try reader.integer())
        else { throw StoreError(.unknownKind, "an operation on keys that is not known to this version") }
        let flags = try reader.integer(UInt64.self)
        let expected = try reader.integer(UInt64.self)
        let key = try reader.data()
        var part = state.part(KeyValueState.self)
        let found = part.version(of: key[...]).flatMap { $0.isDeleted ? nil : $0 }
        var writes: [RowWrite] = []
        switch operation {
        case .checkAndSet where (found?.modify ?? 0) != expected:
            state.keepRevision()
            return [0]
        case .checkAndDelete where found.map { $0.modify != expected } ?? false:
            state.keepRevision()
            return [0]
        case .set, .checkAndSet:
            writes = part.put(
                KeyVersion(
                    key: key[...], value: reader.rest, flags: flags, create: found?.create ?? state.revision,
                    modify: state.revision, lock: found?.lock ?? 0, session: found?.session ?? ""))
        case .delete, .checkAndDelete:
            if let found { writes = part.put(Self.deletion(of: found, at: state.revision, order: 0)) }
        case .deleteTree:
            var all: [KeyVersion] = []
            part.forEach(prefix: key[...]) { if !$0.isDeleted { all.append($0) } }
            for (order, version) in all.enumerated() {
                writes += part.put(Self.deletion(of: version, at: state.revision, order: UInt32(clamping: order)))
            }
        }
        if writes.isEmpty { state.keepRevision() } else { try state.put(part, writes: writes) }
        return [1]
    }

    private static func deletion(of version: KeyVersion, at revision: UInt64, order: UInt32) -> KeyVersion {
        KeyVersion(
            key: version.key, value: [], create: version.create, modify: revision, order: order, isDeleted: true)
    }
}
