internal import Platform
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
    private var newest = OrderedTree<KeyVersion>()
    /// All versions that are newer than `compacted`.
    private var history = VersionQueue()
    private var historyBytes = 0
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
    private var holds = OrderedTree<Hold>()

    public init() {}

    /// Sorted by session, then by key.
    private struct Hold: TreeElement {
        let session: String
        let key: [UInt8]

        var treeKey: Hold { self }

        static func precedes(_ left: Hold, _ right: Hold) -> Bool {
            left.session == right.session
                ? KeyOrder.isBefore(left.key[...], right.key[...]) : left.session < right.session
        }
    }

    /// The keys that the session holds, in order.
    func keys(heldBy session: String) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        holds.visit(from: Hold(session: session, key: [])) { hold in
            guard hold.session == session else { return false }
            keys.append(hold.key)
            return true
        }
        return keys
    }

    /// The newest version of the key, be it a deletion.
    func version(of key: ArraySlice<UInt8>) -> KeyVersion? { newest.find(key) }

    /// Calls `body` with the newest version of each key that begins so, deletions included, in the order of keys.
    func forEach(prefix: ArraySlice<UInt8>, _ body: (KeyVersion) -> Void) {
        newest.visit(from: prefix) { version in
            guard version.key.starts(with: prefix) else { return false }
            body(version)
            return true
        }
    }

    /// The versions after a revision, oldest first, until `body` returns false; of those up to `compacted` none.
    func forEachVersion(after revision: UInt64, _ body: (KeyVersion) -> Bool) { history.visit(after: revision, body) }

    /// The revision of the key's last change, a deletion included; where it is not known any more, one that is not lower.
    func index(of key: ArraySlice<UInt8>) -> UInt64 { version(of: key)?.modify ?? forgotten }

    /// The same of all keys that begin so.
    func index(ofPrefix prefix: ArraySlice<UInt8>) -> UInt64 {
        var index = forgotten
        forEach(prefix: prefix) { index = max(index, $0.modify) }
        return index
    }

    /// The version that a write of this part put there; nil where it removed one.
    static func version(putBy write: RowWrite) -> KeyVersion? {
        write.isRemoved ? nil : write.content as? KeyVersion
    }

    /// Puts a version in place, and adds the rows that this changes.
    mutating func put(_ version: KeyVersion, _ writes: inout [RowWrite]) {
        change(version.key, &writes) { _ in version }
    }

    /// Puts the version in place that `body` makes of the key's newest one, be it a deletion, and adds the rows that this changes; where
    /// it makes none, nothing changes.
    mutating func change(
        _ key: ArraySlice<UInt8>, _ writes: inout [RowWrite], _ body: (KeyVersion?) -> KeyVersion?
    ) {
        var made: KeyVersion?
        let replaced = newest.change(key) { found in
            made = body(found)
            return made
        }
        guard let version = made else { return }
        noteNewest(version, insteadOf: replaced)
        writes.append(RowWrite(part: Self.name, put: version))
        if let replaced, replaced.modify <= compacted {
            // It stood for its key alone: the history has passed it.
            versionsHash &-= Self.hash(replaced)
            writes.append(RowWrite(part: Self.name, removed: replaced.removed))
        }
        // Two for one, so that what is over the limit shrinks, and no single write pays for much.
        var rounds = 0
        // A limit of bytes may need many small ones to go for one that is large.
        while isOverLimit, rounds < Limits.dropped {
            compactOne(&writes)
            rounds += 1
        }
    }

    /// Drops what newer versions replaced up to that revision; the rows that this changes.
    mutating func compact(upTo revision: UInt64) -> [RowWrite] {
        var writes: [RowWrite] = []
        while let oldest = history.first, oldest.modify <= revision { compactOne(&writes) }
        compacted = max(compacted, revision)
        return writes
    }

    private var isOverLimit: Bool { history.count > Limits.history || historyBytes > Limits.historyBytes }

    /// A version came in place of the key's newest one.
    private mutating func noteNewest(_ version: KeyVersion, insteadOf old: KeyVersion?) {
        if let old, old.isHeld { holds.remove(Hold(session: old.session, key: Array(old.key))) }
        if version.isHeld { holds.put(Hold(session: version.session, key: Array(version.key))) }
        versionsHash &+= Self.hash(version)
        guard version.modify > compacted else { return }
        history.append(version)
        historyBytes += version.rowCount
    }

    private func isNewest(_ version: KeyVersion) -> Bool {
        self.version(of: version.key).map { $0.isSame(as: version) } ?? false
    }

    /// Moves the compaction over the oldest revision, and drops its versions but for the newest of live keys.
    private mutating func compactOne(_ writes: inout [RowWrite]) {
        guard let revision = history.first?.modify else { return }
        compacted = revision
        while let version = history.first, version.modify == revision {
            history.removeFirst()
            historyBytes -= version.rowCount
            let isNewest = isNewest(version)
            if isNewest, !version.isDeleted { continue }
            if isNewest {
                newest.remove(version.key)
                forgotten = version.modify
                forgottenLock = max(forgottenLock, version.lock)
            }
            versionsHash &-= Self.hash(version)
            writes.append(RowWrite(part: Self.name, removed: version.removed))
        }
    }

    // MARK: Rows

    /// Behind all versions.
    private static let summaryID: [UInt8] = [0xff] + Array("compacted".utf8)

    /// How far the history is gone.
    public var summary: (id: [UInt8], row: [UInt8])? {
        guard compacted > 0 else { return nil }
        var writer = ByteWriter()
        writer.integer(compacted)
        writer.integer(forgotten)
        writer.integer(forgottenLock)
        return (Self.summaryID, writer.bytes)
    }

    /// Takes a row back in, as `put` and its like gave it out; throws `StoreError` `.malformed`. Versions come in the order they
    /// were made, or those that the history no longer has in any order behind the summary.
    public mutating func load(id: [UInt8], row: [UInt8]) throws {
        if id == Self.summaryID {
            var reader = ByteReader(row[...])
            compacted = try reader.integer()
            forgotten = try reader.integer()
            // The first versions did not write it.
            forgottenLock = reader.isAtEnd ? 0 : try reader.integer()
            while let oldest = history.first, oldest.modify <= compacted {
                history.removeFirst()
                historyBytes -= oldest.rowCount
                // Versions before this one left such rows behind.
                if !isNewest(oldest) { versionsHash &-= Self.hash(oldest) }
            }
            return
        }
        let version = try KeyVersion(row: row)
        guard version.id == id else { throw StoreError(.malformed, "a version of a key under another's id") }
        let replaced = newest.put(version)
        // Versions of format 4 may have left such a row behind, which the history has no place for.
        if let replaced, replaced.modify <= compacted { versionsHash &-= Self.hash(replaced) }
        noteNewest(version, insteadOf: replaced)
    }

    private static func hash(_ version: KeyVersion) -> UInt64 { version.rowHash(in: name) }

    /// Of everything that `rows` gives out.
    public var rowsHash: UInt64 {
        guard let summary else { return versionsHash }
        return versionsHash &+ RowHash.of(Self.name, id: summary.id, row: summary.row)
    }

    /// The summary, what the history no longer has by key, then the history.
    public func rows(
        after place: [UInt8]?, _ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Bool
    ) rethrows -> [UInt8]? {
        if place == nil, let summary, try !body(summary.id, summary.row) { return [Stage.summary.rawValue] }
        let stage = place?.first.flatMap(Stage.init) ?? .summary
        let rest = Array(place?.dropFirst() ?? [])
        var last: [UInt8]?
        if stage != .history {
            try newest.visit(from: stage == .old ? rest[...] : nil) { version in
                if version.modify > compacted || (stage == .old && version.key == rest[...]) { return true }
                if try body(version.id, version.row) { return true }
                last = [Stage.old.rawValue] + version.key
                return false
            }
            if let last { return last }
        }
        let start: (revision: UInt64, order: UInt32) =
            stage == .history ? KeyVersion.place(id: rest) ?? (0, 0) : (0, 0)
        try history.visit(after: max(start.revision, 1) - 1) { version in
            if stage == .history, (version.modify, version.order) <= start { return true }
            if try body(version.id, version.row) { return true }
            last = [Stage.history.rawValue] + version.id
            return false
        }
        return last
    }

    /// Versions; not the summary.
    public static func isAppended(_ id: [UInt8]) -> Bool { id.count == KeyVersion.idLength && id != summaryID }

    /// The versions as they were made, then the summary.
    public func forEachRowAsAppended(_ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Void) rethrows {
        var old: [(modify: UInt64, order: UInt32, version: KeyVersion)] = []
        newest.visit { version in
            if version.modify <= compacted { old.append((version.modify, version.order, version)) }
            return true
        }
        old.sort { ($0.modify, $0.order) < ($1.modify, $1.order) }
        for (_, _, version) in old { try body(version.id, version.row) }
        try history.visit(after: 0) { version in
            try body(version.id, version.row)
            return true
        }
        if let summary { try body(summary.id, summary.row) }
    }

    /// The first byte of a place among the rows.
    private enum Stage: UInt8 {
        case summary = 0
        /// Then the key.
        case old = 1
        /// Then the row's id.
        case history = 2
    }
}
