internal import Dispatch
internal import Model
internal import Platform
internal import Synchronization

/// The replicated state: tables in memory, a database that trails them, and a feed of what changed.
///
/// Reads are from any thread. `apply` and `install` are called by one thread at a time, in the order of the log.
public final class Store: Sendable {
    /// How often `update` computes its writes anew when another write came first.
    public static let updateAttempts = 12
    /// From a change to the database's commit.
    static let flushDelay: Duration = .milliseconds(100)
    /// From another state to its commit: a member that was given one has something else to do first, which is to catch up.
    static let installDelay: Duration = .seconds(3)
    /// So many rows of parts do not wait that long.
    static let flushRows = 50_000

    private struct Guarded {
        /// What readers have asked for since the last change: nil where nobody has. The next change then copies what it touches.
        var snapshot: Snapshot?
        var revision: UInt64
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
        /// There is too much to wait for it.
        var isFlushHurried = false
    }

    /// What one command did.
    private struct Transaction {
        let revision: UInt64
        let changes: [Change]
        let rowWrites: [RowWrite]
    }

    struct RowKey: Hashable, Sendable {
        let table: String
        let id: String
    }

    public let schema: Schema
    private let guarded: Mutex<Guarded>
    /// The state itself, held while a batch is applied; changed in place where no reader shares it.
    private let working: Mutex<StoredState>
    private let storage: (any StateStorage)?
    private let writer = DispatchQueue(label: "store-writer")
    private let log = Logger("store")

    /// A state in memory alone.
    public init(schema: Schema = .cluster) {
        self.schema = schema
        self.storage = nil
        let snapshot = Snapshot(schema: schema)
        self.guarded = Mutex(Guarded(revision: 0))
        self.working = Mutex(StoredState(snapshot, at: LogPosition()))
    }

    /// Reads the state back from the storage.
    init(storage: any StateStorage, schema: Schema) throws {
        self.schema = schema
        self.storage = storage
        var (snapshot, position) = (Snapshot(schema: schema), LogPosition())
        var isDamaged = false
        do {
            (snapshot, position) = try storage.load(schema: schema)
        } catch let error as StoreError where error.isUnreadable {
            // Snapshot and log, which have checksums of their own, bring back what it should have been.
            log.error("the state's database is damaged; it is made anew", ["error": "\(error)"])
            Metrics.shared.counter(
                "martlet_state_database_damaged_total", "How often the state's database was found damaged at a start."
            ).increment()
            isDamaged = true
        }
        self.guarded = Mutex(
            Guarded(
                revision: snapshot.revision, applied: position, durable: position,
                isAllDirty: isDamaged || storage.hasEarlierKeys))
        self.working = Mutex(StoredState(snapshot, at: position))
    }

    // MARK: Reading

    /// The state as it is now; waits for the end of a batch that is being applied, if nobody has asked since the last.
    public var snapshot: Snapshot {
        if let snapshot = guarded.withLock({ $0.snapshot }) { return snapshot }
        return standing.snapshot
    }

    public var revision: UInt64 { guarded.withLock { $0.revision } }

    /// Gives `body` the state as it is at one moment.
    public func view<Value>(_ body: (Snapshot) throws -> Value) rethrows -> Value { try body(snapshot) }

    /// The state now and a feed of what changes from there on, without a gap or a duplicate.
    ///
    /// - Parameter limit: the most changes that are kept for a watcher who is slow.
    public func watch(limit: Int = 10_000) -> (Snapshot, ChangeFeed) {
        let feed = ChangeFeed(limit: limit)
        let snapshot = working.withLock { working in
            guarded.withLock { guarded in
                guarded.snapshot = working.snapshot
                guarded.watchers.removeAll { $0.isEnded }
                guarded.watchers.append(feed)
            }
            return working.snapshot
        }
        return (snapshot, feed)
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

    /// Applies one committed entry: see `apply(_:)`.
    public func apply(index: UInt64, term: UInt64, command: [UInt8]) throws -> [UInt8] {
        try apply([CommittedCommand(position: LogPosition(index: index, term: term), command: command)])[0]
    }

    /// Applies committed entries in their order, and shows the state after the last of them.
    ///
    /// Throws on a command that this version does not understand and on corruption: the member must stop then, at the entry
    /// before.
    /// - Returns: for each the encoded `CommandResult` (nothing for an empty command).
    public func apply(_ commands: [CommittedCommand]) throws -> [[UInt8]] {
        var transactions: [Transaction] = []
        var results: [[UInt8]] = []
        results.reserveCapacity(commands.count)
        let (failure, watchers, observers) = working.withLock { working in
            // Where nobody reads it, it is not shared, and need not be copied.
            let unread = guarded.withLock { guarded in
                defer { guarded.snapshot = nil }
                return guarded.snapshot
            }
            _ = consume unread
            var failure: (any Error)?
            var state = AppliedChanges(taking: &working.snapshot)
            do {
                for command in commands {
                    results.append(try apply(command, to: &state, at: &working.position, &transactions))
                }
            } catch {
                failure = error
            }
            working.snapshot = state.snapshot
            let (watchers, observers) = install(working, transactions)
            return (failure, watchers, observers)
        }
        tell(watchers, observers, of: transactions)
        scheduleFlush()
        if let failure { throw failure }
        return results
    }

    private func apply(
        _ entry: CommittedCommand, to state: inout AppliedChanges, at position: inout LogPosition,
        _ transactions: inout [Transaction]
    ) throws -> [UInt8] {
        let index = entry.position.index
        guard index > position.index else {
            throw StoreError(.outOfOrder, "entry \(index) comes after \(position.index) was applied")
        }
        guard !entry.command.isEmpty else {
            position = entry.position
            return []
        }
        let (name, payload) = try Command.parts(of: entry.command)
        guard let kind = schema.kind(spelled: name) else {
            let name = String(decoding: name, as: UTF8.self)
            throw StoreError(
                .unknownKind,
                "the cluster uses the command kind \(name), which this version does not know: upgrade this manager")
        }
        let result: CommandResult
        do {
            let output = try kind.apply(payload, to: &state)
            let (changes, rowWrites) = state.accept()
            let revision = state.snapshot.revision
            transactions.append(Transaction(revision: revision, changes: changes, rowWrites: rowWrites))
            result = .applied(revision: revision, output: output)
        } catch let conflict as Conflict {
            state.reject()
            result = .conflict(conflict)
        } catch {
            state.reject()
            throw error
        }
        position = entry.position
        return result.encoded
    }

    private func install(
        _ working: StoredState, _ transactions: [Transaction]
    ) -> ([ChangeFeed], [any PartObserver]) {
        guarded.withLock { guarded in
            guarded.revision = working.snapshot.revision
            guarded.applied = working.position
            // What is to be written as a whole has them.
            if storage != nil, !guarded.isAllDirty {
                for transaction in transactions {
                    for change in transaction.changes {
                        guarded.dirty.insert(RowKey(table: change.table, id: change.id))
                    }
                    guarded.rowWrites += transaction.rowWrites
                }
            }
            return (guarded.watchers, guarded.observers)
        }
    }

    private func tell(_ watchers: [ChangeFeed], _ observers: [any PartObserver], of transactions: [Transaction]) {
        for transaction in transactions {
            let (revision, changes) = (transaction.revision, transaction.changes)
            // Who watches objects need not wake up for every key that is written.
            if transaction.rowWrites.isEmpty || !changes.isEmpty {
                for watcher in watchers { watcher.publish(.changes(revision: revision, changes)) }
            }
            guard !transaction.rowWrites.isEmpty else { continue }
            for observer in observers { observer.applied(transaction.rowWrites, revision: revision) }
        }
    }

    // MARK: Snapshots

    /// The state as it is now, and the entry that it goes up to.
    public var standing: (snapshot: Snapshot, position: LogPosition) {
        working.withLock { working in
            guarded.withLock { $0.snapshot = working.snapshot }
            return (working.snapshot, working.position)
        }
    }

    /// Puts another state in the place of this one; watchers are told to read again. It takes no longer for a large one, and the
    /// database follows: until then `durable` is at the beginning.
    public func install(_ state: StoredState) {
        // Freeing what nobody reads any more takes long as well.
        let former = Former()
        let (watchers, observers) = working.withLock { working in
            former.snapshot = working.snapshot
            working = state
            return guarded.withLock { guarded in
                guarded.snapshot = state.snapshot
                guarded.revision = state.snapshot.revision
                guarded.applied = state.position
                guarded.durable = LogPosition()
                guarded.dirty = []
                guarded.rowWrites = []
                guarded.isAllDirty = true
                return (guarded.watchers, guarded.observers)
            }
        }
        for watcher in watchers { watcher.publish(.lagged) }
        for observer in observers { observer.replaced() }
        writer.async { former.snapshot = nil }
        scheduleFlush(after: Self.installDelay)
    }

    /// A state whose last reader is the database's writer. @unchecked: filled before it gets there.
    private final class Former: @unchecked Sendable {
        var snapshot: Snapshot?
    }

    /// What members compare; see `Snapshot.digest`.
    public var digest: UInt64 { snapshot.digest }

    /// Goes through all rows: whether they are what was written. Takes as long as there are many.
    public func isSound() -> Bool {
        let snapshot = snapshot
        return snapshot.digest == snapshot.digestOfRows
    }

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

    /// Writes the database anew where some of it is sealed with an earlier key, which is needed no more when this returns: what was
    /// written is on the disk. Blocks.
    public func reseal() throws {
        guard let storage else { return }
        try writer.sync {
            if storage.hasEarlierKeys {
                guarded.withLock { $0.isAllDirty = true }
                try write(to: storage)
            } else {
                // An ordinary write has done so, and may be in the page cache alone.
                try storage.makeDurable()
            }
        }
    }

    private func scheduleFlush(after flushDelay: Duration = Store.flushDelay) {
        guard let storage else { return }
        let delay = guarded.withLock { guarded -> Duration? in
            if guarded.rowWrites.count >= Self.flushRows, !guarded.isFlushHurried {
                guarded.isFlushHurried = true
                return .zero
            }
            defer { guarded.isFlushScheduled = true }
            return guarded.isFlushScheduled ? nil : flushDelay
        }
        guard let delay else { return }
        writer.asyncAfter(deadline: .now() + delay.seconds) { [self] in
            do { try write(to: storage) } catch {
                // Nothing is lost: the rows stay dirty, the log keeps the entries, and the next change tries again.
                log.error("cannot write the state's database", ["error": "\(error)"])
            }
        }
    }

    /// On the writer's queue.
    private func write(to storage: any StateStorage) throws {
        let (changes, taken) = takeChanges()
        guard let changes else { return }
        do {
            try storage.write(changes)
        } catch let error as StoreError where error.isUnreadable {
            // What is in memory is whole: the next write puts it in the place of all that is there.
            guarded.withLock { ($0.isAllDirty, $0.dirty, $0.rowWrites) = (true, [], []) }
            throw error
        } catch {
            guarded.withLock { guarded in
                guarded.dirty.formUnion(taken.dirty)
                guarded.rowWrites = taken.rowWrites + guarded.rowWrites
                guarded.isAllDirty = guarded.isAllDirty || taken.isAllDirty
            }
            throw error
        }
        // What took a whole state's place must not be there again after a loss of power: a member that was mended forgets then
        // that it was not sound.
        if changes.whole != nil { try storage.makeDurable() }
        // Another state may have been put in force meanwhile, of which the database has nothing yet.
        guarded.withLock { if !$0.isAllDirty { $0.durable = changes.position } }
    }

    /// What the database does not have; it holds on to no more of the state than that.
    private func takeChanges() -> (StateChanges?, Guarded) {
        working.withLock { working in
            let taken = guarded.withLock { guarded in
                defer {
                    guarded.isFlushScheduled = false
                    guarded.isFlushHurried = false
                    guarded.dirty = []
                    guarded.rowWrites = []
                    guarded.isAllDirty = false
                }
                return guarded
            }
            guard taken.isAllDirty || taken.applied != taken.durable else { return (nil, taken) }
            var changes = StateChanges(
                position: working.position, revision: working.snapshot.revision, digest: working.snapshot.digest)
            if taken.isAllDirty {
                changes.whole = working.snapshot
            } else {
                changes.rows = taken.dirty.map { ($0, working.snapshot.row($0)) }
                changes.rowWrites = taken.rowWrites
                changes.rowWrites += working.snapshot.summaries
            }
            return (changes, taken)
        }
    }
}
