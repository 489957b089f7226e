/// The rows of one table with their indexes; a value, cheap to copy.
struct Table: Sendable {
    let schema: TableSchema
    private(set) var rows = SortedMap<any AnyRow>()
    /// The sum of the rows' hashes.
    private(set) var hash: UInt64 = 0
    /// By lowercased name.
    private var names = SortedMap<SortedMap<any AnyRow>>()
    /// In the order of `schema.indexes`.
    private var indexes: [SortedMap<SortedMap<any AnyRow>>]

    init(schema: TableSchema) {
        self.schema = schema
        self.indexes = schema.indexes.map { _ in SortedMap() }
    }

    func row(_ id: String) -> (any AnyRow)? { rows[id] }

    func rows(named name: String) -> SortedMap<any AnyRow> { names[name.lowercased()] ?? SortedMap() }

    /// Programmer error to name an index that the schema does not have.
    func rows(in index: String, under key: String) -> SortedMap<any AnyRow> {
        guard let position = schema.indexes.firstIndex(where: { $0.name == index }) else {
            preconditionFailure("table \(schema.name) has no index \(index)")
        }
        return indexes[position][key] ?? SortedMap()
    }

    /// The row that holds the name already, if it is not the one with this id.
    func holder(ofName name: String, besides id: String) -> (any AnyRow)? {
        guard schema.uniqueNames else { return nil }
        return rows(named: name).first { $0.key != id }?.value
    }

    mutating func put(_ row: any AnyRow) {
        hash &+= RowHash.of(row, in: schema.name)
        if let old = rows.updateValue(row, forKey: row.id) { unindex(old) }
        if let name = schema.displayName(row) { Self.insert(row, under: name.lowercased(), in: &names) }
        for (position, index) in schema.indexes.enumerated() {
            for key in index.keys(row) { Self.insert(row, under: key, in: &indexes[position]) }
        }
    }

    mutating func remove(_ id: String) {
        if let old = rows.removeValue(forKey: id) { unindex(old) }
    }

    private mutating func unindex(_ row: any AnyRow) {
        hash &-= RowHash.of(row, in: schema.name)
        if let name = schema.displayName(row) { Self.remove(row, under: name.lowercased(), in: &names) }
        for (position, index) in schema.indexes.enumerated() {
            for key in index.keys(row) { Self.remove(row, under: key, in: &indexes[position]) }
        }
    }

    private static func insert(
        _ row: any AnyRow, under key: String, in index: inout SortedMap<SortedMap<any AnyRow>>
    ) {
        var bucket = index.updateValue(SortedMap(), forKey: key) ?? SortedMap()
        bucket.updateValue(row, forKey: row.id)
        index.updateValue(bucket, forKey: key)
    }

    private static func remove(
        _ row: any AnyRow, under key: String, in index: inout SortedMap<SortedMap<any AnyRow>>
    ) {
        guard var bucket = index.updateValue(SortedMap(), forKey: key) else { return }
        bucket.removeValue(forKey: row.id)
        if bucket.isEmpty { index.removeValue(forKey: key) } else { index.updateValue(bucket, forKey: key) }
    }
}
