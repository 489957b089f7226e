/// The copy of the state that outlives the process; used by one thread at a time.
protocol StateStorage: Sendable {
    /// What was written last, or an empty state.
    func load(schema: Schema) throws -> (Snapshot, LogPosition)

    /// Brings the copy to the state after the changes, all of it or nothing.
    func write(_ changes: StateChanges) throws

    /// Whether something in it is sealed with a key that is not the newest, so that it should be written as a whole.
    var hasEarlierKeys: Bool { get }

    /// Returns once what was written outlives the power: a write alone outlives the process.
    func makeDurable() throws

    func close()
}

extension StateStorage {
    var hasEarlierKeys: Bool { false }
    func makeDurable() throws {}
}

/// What became of the state since it was last written.
struct StateChanges: Sendable {
    let position: LogPosition
    let revision: UInt64
    /// Of all rows, as they are then.
    let digest: UInt64
    /// Nil stands for one that is gone.
    var rows: [(key: Store.RowKey, row: (any AnyRow)?)] = []
    /// What was done to rows of parts, in order.
    var rowWrites: [RowWrite] = []
    /// The whole state takes the place of what is there.
    var whole: Snapshot?
}

extension Snapshot {
    func row(_ key: Store.RowKey) -> (any AnyRow)? { schema.tableIndex(key.table).flatMap { tables[$0].row(key.id) } }

    /// Those rows of parts that are written as they are at the time.
    var summaries: [RowWrite] {
        parts.compactMap { part in
            part.summary.map { RowWrite(part: type(of: part).name, id: $0.id, row: $0.row) }
        }
    }
}
