/// A map ordered by key, with cheap copies: chunks of at most `chunkLimit` entries, each copied only when written while shared.
///
/// Iteration is in key order, so nothing that is derived from it depends on a process's hash seed.
public struct SortedMap<Value: Sendable>: Sendable {
    /// A key and what it stands for.
    public struct Entry: Sendable {
        public let key: String
        public var value: Value
    }

    static var chunkLimit: Int { 128 }

    private(set) var chunks: [[Entry]] = []
    public private(set) var count = 0

    public init() {}

    public var isEmpty: Bool { count == 0 }

    public subscript(key: String) -> Value? {
        guard let chunk = chunkIndex(for: key) else { return nil }
        let position = Self.lowerBound(key, in: chunks[chunk])
        guard position < chunks[chunk].count, chunks[chunk][position].key == key else { return nil }
        return chunks[chunk][position].value
    }

    /// Puts the value and gives back the one it replaced.
    @discardableResult
    public mutating func updateValue(_ value: Value, forKey key: String) -> Value? {
        guard let chunk = chunkIndex(for: key) else {
            chunks.append([Entry(key: key, value: value)])
            count = 1
            return nil
        }
        let position = Self.lowerBound(key, in: chunks[chunk])
        if position < chunks[chunk].count, chunks[chunk][position].key == key {
            let old = chunks[chunk][position].value
            chunks[chunk][position].value = value
            return old
        }
        chunks[chunk].insert(Entry(key: key, value: value), at: position)
        count += 1
        if chunks[chunk].count > Self.chunkLimit {
            // Keys mostly arrive in no order, so both halves will grow.
            let half = chunks[chunk].count / 2
            let upper = Array(chunks[chunk][half...])
            chunks[chunk].removeSubrange(half...)
            chunks.insert(upper, at: chunk + 1)
        }
        return nil
    }

    @discardableResult
    /// Returns what stood there; nil where nothing did.
    public mutating func removeValue(forKey key: String) -> Value? {
        guard let chunk = chunkIndex(for: key) else { return nil }
        let position = Self.lowerBound(key, in: chunks[chunk])
        guard position < chunks[chunk].count, chunks[chunk][position].key == key else { return nil }
        let old = chunks[chunk].remove(at: position).value
        count -= 1
        if chunks[chunk].isEmpty { chunks.remove(at: chunk) }
        return old
    }

    /// The entries whose key is `lower` or above, in order.
    public func entries(from lower: String) -> Iterator {
        guard let chunk = chunkIndex(for: lower) else { return Iterator(chunks: chunks, chunk: 0, position: 0) }
        return Iterator(chunks: chunks, chunk: chunk, position: Self.lowerBound(lower, in: chunks[chunk]))
    }

    /// The chunk that holds the key or would take it; nil only when the map is empty.
    private func chunkIndex(for key: String) -> Int? {
        guard !chunks.isEmpty else { return nil }
        var low = 0
        var high = chunks.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if chunks[middle][0].key <= key { low = middle } else { high = middle }
        }
        return low
    }

    private static func lowerBound(_ key: String, in entries: [Entry]) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SortedMap: Sequence {
    /// Goes through the entries in the order of their keys.
    public struct Iterator: IteratorProtocol, Sequence {
        let chunks: [[Entry]]
        var chunk: Int
        var position: Int

        public mutating func next() -> Entry? {
            while chunk < chunks.count {
                if position < chunks[chunk].count {
                    defer { position += 1 }
                    return chunks[chunk][position]
                }
                chunk += 1
                position = 0
            }
            return nil
        }
    }

    public func makeIterator() -> Iterator { Iterator(chunks: chunks, chunk: 0, position: 0) }

    public var underestimatedCount: Int { count }
}
