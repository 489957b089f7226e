import Store

/// Changes of keys that become one revision, each seeing those before it.
struct KeyValueTransaction {
    /// What became of one change.
    enum Outcome {
        /// The version that it made, where it made one.
        case done(KeyVersion?)
        /// Its condition did not hold.
        case refused
        /// It names a session that is not alive.
        case noSession
    }

    private(set) var keys: KeyValueState
    private var writes: [RowWrite] = []
    /// The place of the next version in the revision.
    private var order: UInt32 = 0
    private let revision: UInt64

    /// On a copy of the state.
    init(keys: KeyValueState, revision: UInt64) {
        self.keys = keys
        self.revision = revision
        // One is put, and up to three go for it.
        writes.reserveCapacity(4)
    }

    /// In the state itself: `finish` must follow.
    init(in state: inout AppliedChanges) { self.init(keys: state.take(), revision: state.revision) }

    /// The newest version, unless it is a deletion.
    func found(_ key: ArraySlice<UInt8>) -> KeyVersion? {
        keys.version(of: key).flatMap { $0.isDeleted ? nil : $0 }
    }

    /// Puts what was done into the state; nothing is left here.
    ///
    /// - Returns: whether that was anything.
    mutating func finish(_ state: inout AppliedChanges) -> Bool {
        let changesAnything = !writes.isEmpty
        var (done, rows) = (KeyValueState(), [RowWrite]())
        swap(&done, &keys)
        swap(&rows, &writes)
        state.put(consume done, writes: consume rows)
        return changesAnything
    }

    // MARK: Changes

    /// - Parameter expected: the version it has now; 0 means that it must not exist, nil that it does not matter.
    mutating func set(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, expected: UInt64? = nil
    ) -> Outcome {
        change(key) { newest, revision, order in
            let found = newest.flatMap { $0.isDeleted ? nil : $0 }
            if let expected, (found?.modify ?? 0) != expected { return nil }
            return KeyVersion(
                key: key, value: value, flags: flags, create: found?.create ?? revision, modify: revision, order: order,
                lock: found?.lock ?? 0, session: found?.session ?? "")
        }
    }

    /// Sets the key and has the session hold it, unless another one does or it must wait.
    mutating func lock(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, session: String, _ sessions: SessionState
    ) -> Outcome {
        guard sessions.session(session) != nil else { return .noSession }
        let forgottenLock = keys.forgottenLock
        return change(key) { newest, revision, order in
            // Goes on from a deletion: who held the key before must not pass for who holds it now.
            var lock = (newest?.lock ?? forgottenLock) &+ 1
            let found = newest.flatMap { $0.isDeleted ? nil : $0 }
            if let found, found.isHeld {
                guard found.session == session else { return nil }
                lock = found.lock
            } else if sessions.delay(of: key) != nil {
                return nil
            }
            return KeyVersion(
                key: key, value: value, flags: flags, create: found?.create ?? revision, modify: revision, order: order,
                lock: lock, session: session)
        }
    }

    /// Sets the key and lets go of it, if the session holds it.
    mutating func unlock(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, session: String
    ) -> Outcome {
        change(key) { found, revision, order in
            // A deletion is held by nobody.
            guard let found, found.isHeld, found.session == session else { return nil }
            return KeyVersion(
                key: key, value: value, flags: flags, create: found.create, modify: revision, order: order,
                lock: found.lock, session: "")
        }
    }

    /// - Parameter expected: the version it has now; nil means that it does not matter. A key that is not there may be deleted.
    mutating func delete(_ key: ArraySlice<UInt8>, expected: UInt64? = nil) -> Outcome {
        var isRefused = false
        _ = change(key) { found, revision, order in
            guard let found, !found.isDeleted else { return nil }
            isRefused = expected.map { $0 != found.modify } ?? false
            return isRefused ? nil : Self.deletion(of: found, revision, order)
        }
        return isRefused ? .refused : .done(nil)
    }

    mutating func deleteTree(_ prefix: ArraySlice<UInt8>) {
        var all: [KeyVersion] = []
        keys.forEach(prefix: prefix) { if !$0.isDeleted { all.append($0) } }
        for version in all { _ = change(version.key) { Self.deletion(of: $0 ?? version, $1, $2) } }
    }

    /// Drops the history up to a revision that is past.
    mutating func compact(upTo target: UInt64) { writes += keys.compact(upTo: min(target, revision - 1)) }

    /// Ends the session: its keys are let go of or deleted, and nobody may lock them for its delay.
    ///
    /// - Returns: the rows of sessions that differ.
    mutating func end(_ session: KeySession, _ sessions: inout SessionState) -> [RowWrite] {
        var sessionWrites: [RowWrite] = []
        for key in keys.keys(heldBy: session.id) {
            guard let held = found(key[...]) else { continue }
            _ = change(key[...]) { _, revision, order in
                if session.behavior == .delete { return Self.deletion(of: held, revision, order) }
                return KeyVersion(
                    key: key[...], value: held.value, flags: held.flags, create: held.create, modify: revision,
                    order: order, lock: held.lock, session: "")
            }
            guard session.lockDelay > .zero else { continue }
            sessionWrites += sessions.put(LockDelay(key: key, revision: revision, delay: session.lockDelay))
        }
        return sessionWrites + sessions.remove(session, at: revision)
    }

    /// The deletion keeps how often the key was locked.
    private static func deletion(of found: KeyVersion, _ revision: UInt64, _ order: UInt32) -> KeyVersion {
        KeyVersion(
            key: found.key, value: [], create: found.create, modify: revision, order: order, lock: found.lock,
            isDeleted: true)
    }

    /// Puts what `body` makes of the key's newest version, of the revision and of the place in it; refused where that is nothing.
    private mutating func change(
        _ key: ArraySlice<UInt8>, _ body: (KeyVersion?, _ revision: UInt64, _ order: UInt32) -> KeyVersion?
    ) -> Outcome {
        let (revision, order) = (revision, order)
        var made: KeyVersion?
        keys.change(key, &writes) { found in
            made = body(found, revision, order)
            return made
        }
        guard let made else { return .refused }
        self.order += 1
        return .done(made)
    }
}
