public import Model

/// What the store knows of a table: how its rows are decoded, and by what they are found besides their id.
public struct TableSchema: Sendable {
    public let name: String
    /// Whether a name may be given only once. Names are compared without case.
    public let uniqueNames: Bool
    /// The `CommandLevel` of the first version that knows it.
    public let level: Int
    /// Sorted by name.
    let indexes: [Index]
    let decode: @Sendable (_ object: [UInt8], _ version: UInt64) throws -> any AnyRow
    let displayName: @Sendable (any AnyRow) -> String?

    /// A way to find rows: under each of the keys that it gives for a row.
    public struct Index: Sendable {
        public let name: String
        let keys: @Sendable (any AnyRow) -> [String]
    }

    /// A table of `Object`, found also by the keys of each index, which the closures compute.
    public init<Object: ClusterObject>(
        of type: Object.Type, uniqueNames: Bool = true, level: Int = CommandLevel.first,
        indexes: [String: @Sendable (Object) -> [String]] = [:]
    ) {
        self.name = Object.table
        self.uniqueNames = uniqueNames
        self.level = level
        self.indexes = indexes.sorted { $0.key < $1.key }.map { index in
            let keys = index.value
            return Index(name: index.key) { row in keys(Self.typed(row, Object.self).object) }
        }
        self.decode = { bytes, version in
            Row(try ObjectCoding.decode(Object.self, from: bytes), version: version, encoded: bytes)
        }
        self.displayName = { Self.typed($0, Object.self).object.name }
    }

    /// Rows of a table are only made by that table's schema and by `Transaction`, which both know the type.
    static func typed<Object: ClusterObject>(_ row: any AnyRow, _ type: Object.Type) -> Row<Object> {
        guard let typed = row as? Row<Object> else {
            preconditionFailure("a row of another type in table \(Object.table)")
        }
        return typed
    }
}
