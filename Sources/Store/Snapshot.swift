public import Model

/// The whole state as of one revision: a value that stays as it is, cheap to take and to keep.
public struct Snapshot: Sendable {
    /// How many transactions were applied; objects carry the one that wrote them last.
    public internal(set) var revision: UInt64 = 0
    let schema: Schema
    var tables: [Table]
    /// In the order of `schema.parts`.
    var parts: [any StatePart]

    init(schema: Schema) {
        self.schema = schema
        self.tables = schema.tables.map(Table.init)
        self.parts = schema.parts.map { $0.init() }
    }

    /// The part of that type, as of this revision; programmer error where it is not registered.
    public func part<Part: StatePart>(_ type: Part.Type) -> Part {
        guard let index = schema.partIndex(Part.name), let part = parts[index] as? Part else {
            preconditionFailure("part \(Part.name) is not registered")
        }
        return part
    }

    /// The object of that id.
    public func get<Object: ClusterObject>(_ type: Object.Type, _ id: String) -> Object? {
        table(type).row(id).map { TableSchema.typed($0, type).object }
    }

    /// All of the table's objects, sorted by id.
    public func all<Object: ClusterObject>(_ type: Object.Type) -> [Object] {
        table(type).rows.map { TableSchema.typed($0.value, type).object }
    }

    /// How many objects the table has.
    public func count<Object: ClusterObject>(_ type: Object.Type) -> Int { table(type).rows.count }

    /// The objects of that name (case does not matter), sorted by id; at most one where names are unique.
    public func named<Object: ClusterObject>(_ type: Object.Type, _ name: String) -> [Object] {
        table(type).rows(named: name).map { TableSchema.typed($0.value, type).object }
    }

    /// The objects whose id begins so, sorted; at most `limit`.
    public func withIDPrefix<Object: ClusterObject>(_ type: Object.Type, _ prefix: String, limit: Int) -> [Object] {
        var found: [Object] = []
        for entry in table(type).rows.entries(from: prefix) {
            guard entry.key.hasPrefix(prefix), found.count < limit else { break }
            found.append(TableSchema.typed(entry.value, type).object)
        }
        return found
    }

    /// The objects that the index has under the key, sorted by id.
    public func indexed<Object: ClusterObject>(_ type: Object.Type, by index: String, _ key: String) -> [Object] {
        table(type).rows(in: index, under: key).map { TableSchema.typed($0.value, type).object }
    }

    /// Sorted by id.
    public func tasks(ofService id: String) -> [ClusterTask] { indexed(ClusterTask.self, by: TaskIndex.service, id) }

    /// Sorted by id.
    public func tasks(onNode id: String) -> [ClusterTask] { indexed(ClusterTask.self, by: TaskIndex.node, id) }

    /// Those that have no node yet, sorted by id.
    public var waitingTasks: [ClusterTask] { indexed(ClusterTask.self, by: TaskIndex.waiting, TaskIndex.waiting) }

    private func table<Object: ClusterObject>(_ type: Object.Type) -> Table {
        guard let index = schema.tableIndex(Object.table) else {
            preconditionFailure("table \(Object.table) is not registered")
        }
        return tables[index]
    }
}
