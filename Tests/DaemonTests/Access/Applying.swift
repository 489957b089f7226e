import Store

/// Applies what is proposed at once, to a store that is alone.
actor Applying: Proposer {
    let store: Store
    private var index: UInt64 = 0

    init(_ store: Store) { self.store = store }

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        index += 1
        return try store.apply(index: index, term: 1, command: command)
    }
}
