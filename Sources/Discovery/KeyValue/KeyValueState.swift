public import Store

/// The keys with their history: the newest version of each, deletions included, and all versions in the order they were
/// made, until compaction.
public struct KeyValueState: StatePart {
    public static let name = "kv"

    enum Limits {
        /// Versions that are kept beside the newest of each key; the state drops the oldest beyond them.
        static let history = 20_000
        /// Their bytes, keys and values.
        static let historyBytes = 64 << 20
        /// Versions that one write may have to drop.
        static let dropped = 1_024
    }

    /// By key.
    private var newest = OrderedTree<KeyVersion> { KeyOrder.isBefore($0.key, $1.key) }
    /// By revision and order; the newest of live keys are in it too.
    private var history = OrderedTree<KeyVersion> { $0.isBefore($1) }
    /// Versions of `history` that are newer than `compacted`.
    private var kept = 0
    private var keptBytes = 0
    /// The sum of the versions' hashes.
    private var versionsHash: UInt64 = 0
    /// Versions up to this revision are gone where a newer one replaced them.
    public private(set) var compacted: UInt64 = 0
    /// The last deletion that is gone: no key that is not there has a lower index, so that none goes backwards.
    private(set) var forgotten: UInt64 = 0
    /// The highest count of locks of a key whose deletion is gone: a key that comes anew counts on from here, so that the
    /// number of a lock is never given twice.
    private(set) var forgottenLock: UInt64 = 0
    /// Who holds which key.
    private var holds = OrderedTree<Hold> { $0.isBefore($1) }

    public init() {}

    /// Sorted by session, then by key.
    private struct Hold: Sendable {
        let session: String
        let key: [UInt8]

        func isBefore(_ other: Hold) -> Bool {
            session == other.session ? KeyOrder.isBefore(key[...], other.key[...]) : session < other.session
        }
    }

    /// The keys that the session holds, in order.
    func keys(heldBy session: String) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        holds.visit(
            notBelow: { $0.session < session },
            { hold in
                guard hold.session == session else { return false }
                keys.append(hold.key)
                return true
            })
        return keys
    }

    /// The newest version of the key, be it a deletion.
    func version(of key: ArraySlice<UInt8>) -> KeyVersion? {
        newest.first { KeyOrder.isBefore($0.key, key) }.flatMap { $0.key == key ? $0 : nil }
    }

    /// Calls `body` with the newest version of each key that begins so, deletions included, in the order of keys.
    func forEach(prefix: ArraySlice<UInt8>, _ body: (KeyVersion) -> Void) {
        newest.visit(
            notBelow: { KeyOrder.isBefore($0.key, prefix) },
            { version in
                guard version.key.starts(with: prefix) else { return false }
                body(version)
                return true
            })
    }

    /// The versions after a revision, oldest first, until `body` returns false.
    func forEachVersion(after revision: UInt64, _ body: (KeyVersion) -> Bool) {
        history.visit(notBelow: { $0.modify <= revision }, body)
    }

    /// The revision of the key's last change, a deletion included; where it is not known any more, one that is not lower.
    func index(of key: ArraySlice<UInt8>) -> UInt64 { version(of: key)?.modify ?? forgotten }

    /// The same of all keys that begin so.
    func index(ofPrefix prefix: ArraySlice<UInt8>) -> UInt64 {
        var index = forgotten
        forEach(prefix: prefix) { index = max(index, $0.modify) }
        return index
    }

    /// The version that a row holds; nil for a row of another kind.
    static func version(row: [UInt8], id: [UInt8]) -> KeyVersion? {
        id == compactedID ? nil : try? KeyVersion(row: row)
    }

    /// Puts a version in place; the rows that this changes.
    mutating func put(_ version: KeyVersion) -> [RowWrite] {
        keep(version)
        var writes = [RowWrite(part: Self.name, id: version.rowID, row: version.bytes)]
        // Two for one, so that what is over the limit shrinks, and no single write pays for much.
        guard isOverLimit else { return writes }
        var rounds = 0
        // A limit of bytes may need many small ones to go for one that is large.
        while isOverLimit, rounds < Limits.dropped {
            compactOne(&writes)
            rounds += 1
        }
        writes.append(RowWrite(part: Self.name, id: Self.compactedID, row: compaction))
        return writes
    }

    /// Drops what newer versions replaced up to that revision; the rows that this changes.
    mutating func compact(upTo revision: UInt64) -> [RowWrite] {
        var writes: [RowWrite] = []
        while let oldest = firstVersion(after: compacted), oldest.modify <= revision { compactOne(&writes) }
        guard compacted < revision || !writes.isEmpty else { return [] }
        compacted = max(compacted, revision)
        writes.append(RowWrite(part: Self.name, id: Self.compactedID, row: compaction))
        return writes
    }

    private var isOverLimit: Bool { kept > Limits.history || keptBytes > Limits.historyBytes }

    private func firstVersion(after revision: UInt64) -> KeyVersion? {
        history.first { $0.modify <= revision }
    }

    private mutating func keep(_ version: KeyVersion) {
        if let old = self.version(of: version.key), old.isHeld {
            holds.remove(Hold(session: old.session, key: Array(old.key)))
        }
        if version.isHeld { holds.put(Hold(session: version.session, key: Array(version.key))) }
        newest.put(version)
        history.put(version)
        versionsHash &+= Self.hash(version)
        kept += 1
        keptBytes += version.bytes.count
    }

    /// Moves the compaction over the oldest version, and drops it unless it is the newest of a live key.
    private mutating func compactOne(_ writes: inout [RowWrite]) {
        let compacted = compacted
        var oldest: [KeyVersion] = []
        forEachVersion(after: compacted) { version in
            guard oldest.first.map({ $0.modify == version.modify }) ?? true else { return false }
            oldest.append(version)
            return true
        }
        for version in oldest {
            kept -= 1
            keptBytes -= version.bytes.count
            self.compacted = version.modify
            let isNewest = self.version(of: version.key).map { !$0.isBefore(version) && !version.isBefore($0) } ?? false
            if isNewest, !version.isDeleted { continue }
            if isNewest {
                newest.remove(version)
                forgotten = version.modify
                forgottenLock = max(forgottenLock, version.lock)
            }
            history.remove(version)
            versionsHash &-= Self.hash(version)
            writes.append(RowWrite(part: Self.name, id: version.rowID, row: nil))
        }
    }

    // MARK: Rows

    /// Behind all versions.
    private static let compactedID: [UInt8] = [0xff] + Array("compacted".utf8)

    private var compaction: [UInt8] {
        var writer = ByteWriter()
        writer.integer(compacted)
        writer.integer(forgotten)
        writer.integer(forgottenLock)
        return writer.bytes
    }

    /// Takes a row back in, as `put` and its like gave it out; throws `StoreError` `.malformed`.
    public mutating func load(id: [UInt8], row: [UInt8]) throws {
        if id == Self.compactedID {
            var reader = ByteReader(row[...])
            compacted = try reader.integer()
            forgotten = try reader.integer()
            // The first versions did not write it.
            forgottenLock = reader.isAtEnd ? 0 : try reader.integer()
            (kept, keptBytes) = (0, 0)
            forEachVersion(after: compacted) { version in
                kept += 1
                keptBytes += version.bytes.count
                return true
            }
            return
        }
        let version = try KeyVersion(row: row)
        guard version.rowID == id else { throw StoreError(.malformed, "a version of a key under another's id") }
        keep(version)
    }

    private static func hash(_ version: KeyVersion) -> UInt64 {
        RowHash.of(name, id: version.rowID, row: version.bytes)
    }

    /// Of everything that `forEachRow` gives out.
    public var rowsHash: UInt64 {
        compacted > 0 ? versionsHash &+ RowHash.of(Self.name, id: Self.compactedID, row: compaction) : versionsHash
    }

    /// Gives out everything, for a snapshot.
    public func forEachRow(_ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Void) rethrows {
        try history.visit {
            try body($0.rowID, $0.bytes)
            return true
        }
        if compacted > 0 { try body(Self.compactedID, compaction) }
    }
}
