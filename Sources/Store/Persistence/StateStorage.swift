/// The copy of the state that outlives the process; used by one thread at a time.
protocol StateStorage: Sendable {
    /// What was written last, or an empty state.
    func load(schema: Schema) throws -> (Snapshot, LogPosition)

    /// Brings the copy to the snapshot, all of it or nothing.
    ///
    /// - Parameters:
    ///   - dirty: the rows that may differ since the last write; nil means all, those of parts included.
    ///   - rowWrites: what was done to rows of parts since, in order.
    func write(
        _ snapshot: Snapshot, at position: LogPosition, dirty: Set<Store.RowKey>?, rowWrites: [RowWrite]) throws

    func close()
}
