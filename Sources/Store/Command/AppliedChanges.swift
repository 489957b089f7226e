/// The state while commands are applied to it one after the other, and what the present one changed so far.
public struct AppliedChanges {
    public private(set) var snapshot: Snapshot
    private(set) var changes: [Change] = []
    private(set) var rowWrites: [RowWrite] = []
    private var isUnchanged = false
    /// As it was before the first object was changed.
    private var before: Snapshot?

    /// The revision that this command makes if it is not rejected.
    public var revision: UInt64 { snapshot.revision + 1 }

    /// Takes the state away, so that it can be changed in place: it is `snapshot`, between two commands.
    init(taking snapshot: inout Snapshot) {
        self.snapshot = snapshot
        (snapshot.tables, snapshot.parts) = ([], [])
    }

    /// Decodes the object by its table and puts it in place.
    ///
    /// - Parameter expected: the version it has now; 0 means that it must not exist; nil that it does not matter.
    public mutating func put(table name: String, id: String, expected: UInt64?, object: [UInt8]) throws {
        let index = try tableIndex(name)
        let old = snapshot.tables[index].row(id)
        try check(old, table: name, id: id, expected: expected)
        let schema = snapshot.tables[index].schema
        let row = try schema.decode(object, revision)
        guard row.id == id else { throw StoreError(.malformed, "\(name) \(id) holds the object \(row.id)") }
        if let title = schema.displayName(row), snapshot.tables[index].holder(ofName: title, besides: id) != nil {
            throw Conflict(.nameTaken, table: name, id: id, name: title)
        }
        if before == nil { before = snapshot }
        snapshot.tables[index].put(row)
        changes.append(Change(table: name, id: id, old: old, new: row))
    }

    /// Removes the object; `expected` as in `put`, and nothing happens where it is gone already and nil was given.
    public mutating func delete(table name: String, id: String, expected: UInt64?) throws {
        let index = try tableIndex(name)
        let old = snapshot.tables[index].row(id)
        try check(old, table: name, id: id, expected: expected)
        guard let old else { return }
        if before == nil { before = snapshot }
        snapshot.tables[index].remove(id)
        changes.append(Change(table: name, id: id, old: old, new: nil))
    }

    /// A copy of the part of that type, with what this command did to it.
    public func part<Part: StatePart>(_ type: Part.Type = Part.self) -> Part { snapshot.part(type) }

    /// Takes the part out, so that it can be changed in place, without a copy of what changes. From here until `put` nothing may
    /// be thrown.
    public mutating func take<Part: StatePart>(_ type: Part.Type = Part.self) -> Part {
        let index = index(of: type)
        guard let part = snapshot.parts[index] as? Part else {
            preconditionFailure("part \(Part.name) was taken twice")
        }
        snapshot.parts[index] = AbsentPart()
        return part
    }

    /// Puts the changed part in place; `writes` are the rows that differ. A command that does so is not rejected afterwards.
    public mutating func put<Part: StatePart>(_ part: consuming Part, writes: consuming [RowWrite]) {
        snapshot.parts[index(of: Part.self)] = part
        if rowWrites.isEmpty { rowWrites = writes } else { rowWrites += writes }
    }

    private func index<Part: StatePart>(of type: Part.Type) -> Int {
        guard let index = snapshot.schema.partIndex(Part.name) else {
            preconditionFailure("part \(Part.name) is not registered")
        }
        return index
    }

    /// The command turned out to change nothing: the revision stays.
    public mutating func keepRevision() { isUnchanged = true }

    /// The state is as the command made it; the next one may begin.
    mutating func accept() -> (changes: [Change], rowWrites: [RowWrite]) {
        if !isUnchanged { snapshot.revision += 1 }
        defer { forget() }
        return (changes, rowWrites)
    }

    /// The state is as it was before the command, which may not have changed a part; the next one may begin.
    mutating func reject() {
        precondition(
            rowWrites.isEmpty && !snapshot.parts.contains { $0 is AbsentPart }, "rejected after it was carried out")
        if let before { snapshot = before }
        forget()
    }

    private mutating func forget() { (changes, rowWrites, isUnchanged, before) = ([], [], false, nil) }

    private func tableIndex(_ name: String) throws -> Int {
        guard let index = snapshot.schema.tableIndex(name) else {
            throw StoreError(.unknownKind, "table \(name) is not known to this version")
        }
        return index
    }

    private func check(_ row: (any AnyRow)?, table: String, id: String, expected: UInt64?) throws {
        guard let expected else { return }
        if expected == 0 {
            if row != nil { throw Conflict(.exists, table: table, id: id) }
        } else if let row {
            if row.version != expected { throw Conflict(.changed, table: table, id: id) }
        } else {
            throw Conflict(.missing, table: table, id: id)
        }
    }
}
