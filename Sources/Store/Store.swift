internal import Dispatch
internal import Model
internal import Platform
internal import Synchronization

/// The replicated state: tables in memory, a database that trails them, and a feed of what changed.
///
/// Reads are from any thread. `apply` and `restore` are called by one thread at a time, in the order of the log.
public final class Store: Sendable {
    /// How often `update` computes its writes anew when another write came first.
    public static let updateAttempts = 12
    /// From a change to the database's commit.
    static let flushDelay: Duration = .milliseconds(50)

    private struct Guarded {
        var snapshot: Snapshot
        var applied = LogPosition()
        var durable = LogPosition()
        var watchers: [ChangeFeed] = []
        var observers: [any PartObserver] = []
        /// Rows of parts that the database does not have yet, in the order of their writes.
        var rowWrites: [RowWrite] = []
        /// Rows that differ from the database's.
        var dirty: Set<RowKey> = []
        /// The database is to be written as a whole.
        var isAllDirty = false
        var isFlushScheduled = false
    }

    struct RowKey: Hashable, Sendable {
        let table: String
        let id: String
    }

    public let schema: Schema
    private let guarded: Mutex<Guarded>
    private let storage: (any StateStorage)?
    private let writer = DispatchQueue(label: "store-writer")
    private let log = Logger("store")

    /// A state in memory alone.
    public init(schema: Schema = .cluster) {
        self.schema = schema
        self.storage = nil
        self.guarded = Mutex(Guarded(snapshot: Snapshot(schema: schema)))
    }

    /// Reads the state back from the storage.
    init(storage: any StateStorage, schema: Schema) throws {
        self.schema = schema
        self.storage = storage
        var guarded: Guarded
        do {
            let (snapshot, position) = try storage.load(schema: schema)
            guarded = Guarded(snapshot: snapshot, applied: position, durable: position)
        } catch let error as StoreError where error.code == .damaged || error.code == .malformed {
            // Snapshot and log, which have checksums of their own, bring back what it should have been.
            log.error("the state's database is damaged; it is made anew", ["error": "\(error)"])
            Metrics.shared.counter(
                "martlet_state_database_damaged_total", "How often the state's database was found damaged at a start."
            ).increment()
            guarded = Guarded(snapshot: Snapshot(schema: schema))
            guarded.isAllDirty = true
        }
        self.guarded = Mutex(guarded)
    }

    // MARK: Reading

    /// The state as it is now.
    public var snapshot: Snapshot { guarded.withLock { $0.snapshot } }

    public var revision: UInt64 { guarded.withLock { $0.snapshot.revision } }

    /// Gives `body` the state as it is at one moment.
    public func view<Value>(_ body: (Snapshot) throws -> Value) rethrows -> Value { try body(snapshot) }

    /// The state now and a feed of what changes from there on, without a gap or a duplicate.
    ///
    /// - Parameter limit: the most changes that are kept for a watcher who is slow.
    public func watch(limit: Int = 10_000) -> (Snapshot, ChangeFeed) {
        let feed = ChangeFeed(limit: limit)
        return guarded.withLock { guarded in
            guarded.watchers.removeAll { $0.isEnded }
            guarded.watchers.append(feed)
            return (guarded.snapshot, feed)
        }
    }

    /// Tells the observer of every later change of a part; it is kept as long as the store.
    public func observe(_ observer: any PartObserver) { guarded.withLock { $0.observers.append(observer) } }

    /// Waits until this member has applied the revision: what was written through another one can be read here then.
    /// Returns early when the task is cancelled.
    public func reach(revision: UInt64) async {
        let (snapshot, feed) = watch(limit: 1)
        defer { feed.cancel() }
        guard snapshot.revision < revision else { return }
        while await feed.nextBatch() != nil {
            if self.revision >= revision { return }
        }
    }

    // MARK: Applying

    /// The last entry that the state contains.
    public var applied: LogPosition { guarded.withLock { $0.applied } }

    /// The last entry that the database contains: what comes after is replayed from the log after a crash.
    public var durable: LogPosition { guarded.withLock { storage == nil ? $0.applied : $0.durable } }

    /// Applies a committed entry; an empty command only moves the applied position.
    ///
    /// Throws on a command that this version does not understand and on corruption: the member must stop then.
    /// - Returns: the encoded `CommandResult` (nothing for an empty command).
    public func apply(index: UInt64, term: UInt64, command bytes: [UInt8]) throws -> [UInt8] {
        let before = guarded.withLock { $0 }
        guard index > before.applied.index else {
            throw StoreError(.outOfOrder, "entry \(index) comes after \(before.applied.index) was applied")
        }
        let position = LogPosition(index: index, term: term)
        guard !bytes.isEmpty else {
            guarded.withLock { $0.applied = position }
            scheduleFlush()
            return []
        }
        let command = try Command(decoding: bytes)
        guard let kind = schema.kinds[command.kind] else {
            throw StoreError(
                .unknownKind,
                "the cluster uses the command kind \(command.kind), which this version does not know: upgrade this manager"
            )
        }
        var state = AppliedChanges(before.snapshot)
        do {
            let output = try kind.apply(command.payload, to: &state)
            let snapshot = state.finish()
            install(snapshot, state.changes, state.rowWrites, at: position)
            return CommandResult.applied(revision: snapshot.revision, output: output).encoded
        } catch let conflict as Conflict {
            guarded.withLock { $0.applied = position }
            scheduleFlush()
            return CommandResult.conflict(conflict).encoded
        }
    }

    private func install(_ snapshot: Snapshot, _ changes: [Change], _ rowWrites: [RowWrite], at position: LogPosition) {
        let (watchers, observers) = guarded.withLock { guarded in
            guarded.snapshot = snapshot
            guarded.applied = position
            if storage != nil {
                for change in changes { guarded.dirty.insert(RowKey(table: change.table, id: change.id)) }
                guarded.rowWrites += rowWrites
            }
            return (guarded.watchers, guarded.observers)
        }
        // Who watches objects need not wake up for every key that is written.
        if rowWrites.isEmpty {
            for watcher in watchers { watcher.publish(.changes(revision: snapshot.revision, changes)) }
        } else {
            if !changes.isEmpty {
                for watcher in watchers { watcher.publish(.changes(revision: snapshot.revision, changes)) }
            }
            for observer in observers { observer.applied(rowWrites, revision: snapshot.revision) }
        }
        scheduleFlush()
    }

    // MARK: Snapshots

    /// The state as it is now, and the entry that it goes up to.
    public var standing: (snapshot: Snapshot, position: LogPosition) {
        guarded.withLock { ($0.snapshot, $0.applied) }
    }

    /// The whole state in its logical form, with the position it is at.
    public func snapshotBytes() -> (position: LogPosition, bytes: [UInt8]) {
        let (snapshot, position) = guarded.withLock { ($0.snapshot, $0.applied) }
        return (position, SnapshotFormat.encode(snapshot, at: position))
    }

    /// Replaces everything by what `snapshotBytes` gave on some member; watchers are told to read again.
    ///
    /// - Returns: the position that the state is at now.
    @discardableResult
    public func restore(_ bytes: [UInt8]) throws -> LogPosition {
        let (snapshot, position) = try SnapshotFormat.decode(bytes, schema: schema)
        try replace(by: snapshot, at: position)
        return position
    }

    /// Replaces everything; watchers are told to read again. Durable on return.
    public func replace(by snapshot: Snapshot, at position: LogPosition) throws {
        let (watchers, observers) = guarded.withLock { guarded in
            guarded.snapshot = snapshot
            guarded.applied = position
            guarded.dirty = []
            guarded.rowWrites = []
            guarded.isAllDirty = true
            return (guarded.watchers, guarded.observers)
        }
        for watcher in watchers { watcher.publish(.lagged) }
        for observer in observers { observer.replaced() }
        try flush()
    }

    /// What members compare; see `Snapshot.digest`.
    public var digest: UInt64 { snapshot.digest }

    /// Goes through all rows: whether they are what was written. Takes as long as there are many.
    public func isSound() -> Bool {
        let snapshot = snapshot
        return snapshot.digest == snapshot.digestOfRows
    }

    /// A digest of all rows, the same on all members at the same revision.
    public var stateHash: String { SnapshotFormat.hash(snapshot) }

    // MARK: The database behind it

    /// Brings the database up to the state in one transaction; the background does it after every change anyway.
    public func flush() throws {
        guard let storage else { return }
        try writer.sync { try write(to: storage) }
    }

    /// Flushes and closes the database; nothing may be applied any more.
    public func close() throws {
        guard let storage else { return }
        try writer.sync {
            try write(to: storage)
            storage.close()
        }
    }

    private func scheduleFlush() {
        guard let storage else { return }
        let isFirst = guarded.withLock { guarded in
            defer { guarded.isFlushScheduled = true }
            return !guarded.isFlushScheduled
        }
        guard isFirst else { return }
        writer.asyncAfter(deadline: .now() + Self.flushDelay.seconds) { [self] in
            do { try write(to: storage) } catch {
                // Nothing is lost: the rows stay dirty, the log keeps the entries, and the next change tries again.
                log.error("cannot write the state's database", ["error": "\(error)"])
            }
        }
    }

    /// On the writer's queue.
    private func write(to storage: any StateStorage) throws {
        let work = guarded.withLock { guarded -> Guarded? in
            guarded.isFlushScheduled = false
            defer {
                guarded.dirty = []
                guarded.rowWrites = []
                guarded.isAllDirty = false
            }
            return guarded.isAllDirty || guarded.applied != guarded.durable ? guarded : nil
        }
        guard let work else { return }
        do {
            try storage.write(
                work.snapshot, at: work.applied, dirty: work.isAllDirty ? nil : work.dirty, rowWrites: work.rowWrites)
        } catch {
            guarded.withLock { guarded in
                guarded.dirty.formUnion(work.dirty)
                guarded.rowWrites = work.rowWrites + guarded.rowWrites
                guarded.isAllDirty = guarded.isAllDirty || work.isAllDirty
            }
            throw error
        }
        guarded.withLock { $0.durable = work.applied }
    }
}
