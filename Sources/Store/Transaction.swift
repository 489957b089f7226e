public import Model
public import Platform

/// Writes computed against a snapshot; reads see them at once. It becomes commands that name what it saw.
public struct Transaction: Sendable {
    /// The state with this transaction's own writes.
    public private(set) var snapshot: Snapshot
    /// What the objects written are stamped with (`UpdatedAt`).
    public let now: Timestamp
    private let base: Snapshot
    private var pending: [Key: (@Sendable () throws -> [UInt8])?] = [:]
    /// In the order of the first write, so that commands do not depend on a hash seed.
    private var order: [Key] = []

    private struct Key: Hashable {
        let table: String
        let id: String
    }

    public init(_ snapshot: Snapshot, at now: Timestamp) {
        self.snapshot = snapshot
        self.now = now
        self.base = snapshot
    }

    public var isEmpty: Bool { order.isEmpty }

    /// How many objects it writes.
    public var count: Int { order.count }

    /// The object of that id, with what this transaction wrote.
    public func get<Object: ClusterObject>(_ type: Object.Type, _ id: String) -> Object? { snapshot.get(type, id) }

    /// Puts the object, new or changed. Nothing is written where it says what is there already.
    ///
    /// Throws `StoreError` `.conflict` when its name is taken.
    public mutating func put<Object: ClusterObject>(_ object: Object) throws {
        let index = tableIndex(Object.table)
        if let name = object.name, snapshot.tables[index].holder(ofName: name, besides: object.id) != nil {
            throw StoreError(Conflict(.nameTaken, table: Object.table, id: object.id, name: name))
        }
        var object = object
        if let row = snapshot.tables[index].row(object.id) {
            let current = TableSchema.typed(row, Object.self).object
            object.version = current.version
            object.updatedAt = current.updatedAt
            if object == current { return }
        }
        object.updatedAt = now
        let content = object
        snapshot.tables[index].put(Row(object, version: object.version.index, encoded: []))
        record(Key(table: Object.table, id: object.id)) { try ObjectCoding.encode(content) }
    }

    /// Removes the object; nothing happens where it is gone.
    public mutating func delete<Object: ClusterObject>(_ type: Object.Type, _ id: String) {
        let index = tableIndex(Object.table)
        guard snapshot.tables[index].row(id) != nil else { return }
        snapshot.tables[index].remove(id)
        let key = Key(table: Object.table, id: id)
        if base.tables[index].row(id) == nil {
            pending[key] = nil
            order.removeAll { $0 == key }
        } else {
            record(key, nil)
        }
    }

    /// The transaction as commands of at most `limit` writes each, in the order they were made.
    public func commands(limit: Int = Command.writesLimit) throws -> [Command] {
        var commands: [Command] = []
        var start = 0
        while start < order.count {
            let end = min(start + max(1, limit), order.count)
            let writes = try order[start..<end].map { key in
                let expected = base.tables[tableIndex(key.table)].row(key.id)?.version ?? 0
                guard case .some(let content) = pending[key] else {
                    preconditionFailure("a write of \(key.table) \(key.id) without content")
                }
                return ObjectsCommand.Write(
                    table: key.table, id: key.id, expected: expected, object: try content.map { try $0() })
            }
            commands.append(ObjectsCommand.command(writes))
            start = end
        }
        return commands
    }

    private mutating func record(_ key: Key, _ content: (@Sendable () throws -> [UInt8])?) {
        if pending.updateValue(content, forKey: key) == nil { order.append(key) }
    }

    private func tableIndex(_ name: String) -> Int {
        guard let index = snapshot.schema.tableIndex(name) else {
            preconditionFailure("table \(name) is not registered")
        }
        return index
    }
}
