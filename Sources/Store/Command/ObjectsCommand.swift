internal import Platform

/// The kind `objects`: writes of whole objects, each naming the version it saw; all are applied or none.
///
/// `count u32`, then for each: `operation u8 (1 put, 2 delete), table string, id string, expected version u64
/// (0: must not exist)`, and for a put the object's bytes.
struct ObjectsCommand: CommandKind {
    static let name = "objects"

    var name: String { Self.name }

    struct Write: Sendable, Equatable {
        var table: String
        var id: String
        var expected: UInt64
        /// Nil deletes.
        var object: [UInt8]?
    }

    static func command(_ writes: [Write]) -> Command {
        var writer = ByteWriter()
        writer.integer(UInt32(writes.count))
        for write in writes {
            writer.integer(UInt8(write.object == nil ? 2 : 1))
            writer.string(write.table)
            writer.string(write.id)
            writer.integer(write.expected)
            if let object = write.object { writer.data(object) }
        }
        return Command(kind: name, payload: writer.bytes)
    }

    func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8] {
        var reader = ByteReader(payload)
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let operation = try reader.integer(UInt8.self)
            let table = try reader.string()
            let id = try reader.string()
            let expected = try reader.integer(UInt64.self)
            switch operation {
            case 1: try state.put(table: table, id: id, expected: expected, object: try reader.data())
            case 2: try state.delete(table: table, id: id, expected: expected)
            default: throw StoreError(.malformed, "an unknown operation \(operation) on \(table) \(id)")
            }
        }
        guard reader.isAtEnd else { throw StoreError(.malformed, "bytes after the last write") }
        return []
    }

    /// The tables that it writes to.
    static func tables(_ payload: ArraySlice<UInt8>) throws -> Set<String> {
        var reader = ByteReader(payload)
        var tables: Set<String> = []
        for _ in 0..<(try reader.integer(UInt32.self)) {
            let hasObject = try reader.integer(UInt8.self) == 1
            tables.insert(try reader.string())
            try reader.skip()
            _ = try reader.integer(UInt64.self)
            if hasObject { try reader.skip() }
        }
        return tables
    }
}
