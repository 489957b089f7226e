import Platform
import Synchronization

@testable import Store

/// The database behind a simulated member's store: rows that trail the state, and that a crash takes back to one of two marks. The
/// store writes when it likes, by the time of this machine; what counts is what the marks hold, which follow from the seed.
final class TrailingRows: StateStorage {
    struct Copy {
        var position = LogPosition()
        var revision: UInt64 = 0
        /// Of all rows; nil where nothing was ever written.
        var digest: UInt64?
        var objects: [Object: (version: UInt64, bytes: [UInt8])] = [:]
        var parts: [Part: [UInt8]] = [:]
    }

    struct Object: Hashable, Comparable {
        let table: String
        let id: String

        static func < (left: Object, right: Object) -> Bool { (left.table, left.id) < (right.table, right.id) }
    }

    struct Part: Hashable {
        let name: String
        let id: [UInt8]
    }

    private struct State {
        /// What was read back was not the state that was written.
        var isWrong = false
        var current: Copy
        /// What is there when the process ends, and when the machine does.
        var written: Copy
        var durable: Copy
    }

    private let state: Mutex<State>

    /// What a member begins with: nothing, or what its last life has left.
    init(_ left: Copy = Copy()) { state = Mutex(State(current: left, written: left, durable: left)) }

    /// What `store.flush()` has written outlives the process from now on, or the machine as well.
    func mark(isDurable: Bool) {
        state.withLock { state in
            state.written = state.current
            if isDurable { state.durable = state.current }
        }
    }

    var isWrong: Bool { state.withLock { $0.isWrong } }

    func left(byPowerLoss: Bool) -> Copy { state.withLock { byPowerLoss ? $0.durable : $0.written } }

    func write(_ changes: StateChanges) throws {
        state.withLock { state in
            var copy = state.current
            if let whole = changes.whole {
                (copy.objects, copy.parts) = ([:], [:])
                for table in whole.tables {
                    for entry in table.rows { copy.put(table.schema.name, entry.key, entry.value) }
                }
                for part in whole.parts {
                    part.forEachRow { copy.parts[Part(name: type(of: part).name, id: $0)] = $1 }
                }
            }
            for (key, row) in changes.rows { copy.put(key.table, key.id, row) }
            for write in changes.rowWrites { copy.parts[Part(name: write.part, id: write.id)] = write.row }
            (copy.position, copy.revision, copy.digest) = (changes.position, changes.revision, changes.digest)
            state.current = copy
        }
    }

    /// As `SQLiteStateStorage` does: in the order of ids, what is appended last, and held against the digest.
    func load(schema: Schema) throws -> (Snapshot, LogPosition) {
        let copy = state.withLock { $0.current }
        var snapshot = Snapshot(schema: schema)
        snapshot.revision = copy.revision
        for (key, row) in copy.objects.sorted(by: { $0.key < $1.key }) {
            guard let index = schema.tableIndex(key.table) else { throw StoreError(.unknownKind, key.table) }
            snapshot.tables[index].put(try schema.tables[index].decode(row.bytes, row.version))
        }
        for (index, part) in schema.parts.enumerated() {
            let rows = copy.parts.filter { $0.key.name == part.name }.sorted { left, right in
                let (isLeftLast, isRightLast) = (part.isAppended(left.key.id), part.isAppended(right.key.id))
                return isLeftLast == isRightLast
                    ? left.key.id.lexicographicallyPrecedes(right.key.id) : isRightLast
            }
            for (key, row) in rows { try snapshot.parts[index].load(id: key.id, row: row) }
        }
        if let digest = copy.digest, digest != snapshot.digest {
            // The store mends that by the log, as if the disk had done it: nobody else would say so.
            state.withLock { $0.isWrong = true }
            throw StoreError(.damaged, "the rows are not those of the state at \(copy.position)")
        }
        return (snapshot, copy.position)
    }

    func close() {}
}

extension TrailingRows.Copy {
    fileprivate mutating func put(_ table: String, _ id: String, _ row: (any AnyRow)?) {
        objects[TrailingRows.Object(table: table, id: id)] = row.map { ($0.version, $0.encoded) }
    }
}
