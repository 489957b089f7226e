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
    }

    /// In the state itself: `finish` must follow.
    init(in state: inout AppliedChanges) { self.init(keys: state.take(), revision: state.revision) }

    /// The newest version, unless it is a deletion.
    func found(_ key: ArraySlice<UInt8>) -> KeyVersion? {
        keys.version(of: key).flatMap { $0.isDeleted ? nil : $0 }
    }

    /// Puts what was done into the state.
    ///
    /// - Returns: whether that was anything.
    consuming func finish(_ state: inout AppliedChanges) -> Bool {
        let changesAnything = !writes.isEmpty
        state.put(keys, writes: writes)
        return changesAnything
    }

    // MARK: Changes

    /// - Parameter expected: the version it has now; 0 means that it must not exist, nil that it does not matter.
    mutating func set(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, expected: UInt64? = nil
    ) -> Outcome {
        let found = found(key)
        if let expected, (found?.modify ?? 0) != expected { return .refused }
        return .done(put(key, value, flags: flags, over: found, lock: found?.lock, session: found?.session ?? ""))
    }

    /// Sets the key and has the session hold it, unless another one does or it must wait.
    mutating func lock(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, session: String, _ sessions: SessionState
    ) -> Outcome {
        guard sessions.session(session) != nil else { return .noSession }
        let found = found(key)
        if let found, found.isHeld {
            guard found.session == session else { return .refused }
            return .done(put(key, value, flags: flags, over: found, lock: found.lock, session: session))
        }
        guard sessions.delay(of: key) == nil else { return .refused }
        // Goes on from a deletion: who held the key before must not pass for who holds it now.
        let last = keys.version(of: key)?.lock ?? keys.forgottenLock
        return .done(put(key, value, flags: flags, over: found, lock: last &+ 1, session: session))
    }

    /// Sets the key and lets go of it, if the session holds it.
    mutating func unlock(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, session: String
    ) -> Outcome {
        guard let found = found(key), found.isHeld, found.session == session else { return .refused }
        return .done(put(key, value, flags: flags, over: found, lock: found.lock, session: ""))
    }

    /// - Parameter expected: the version it has now; nil means that it does not matter. A key that is not there may be deleted.
    mutating func delete(_ key: ArraySlice<UInt8>, expected: UInt64? = nil) -> Outcome {
        guard let found = found(key) else { return .done(nil) }
        if let expected, found.modify != expected { return .refused }
        remove(found)
        return .done(nil)
    }

    mutating func deleteTree(_ prefix: ArraySlice<UInt8>) {
        var all: [KeyVersion] = []
        keys.forEach(prefix: prefix) { if !$0.isDeleted { all.append($0) } }
        for version in all { remove(version) }
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
            if session.behavior == .delete {
                remove(held)
            } else {
                _ = put(key[...], held.value, flags: held.flags, over: held, lock: held.lock, session: "")
            }
            guard session.lockDelay > .zero else { continue }
            sessionWrites += sessions.put(LockDelay(key: key, revision: revision, delay: session.lockDelay))
        }
        return sessionWrites + sessions.remove(session, at: revision)
    }

    private mutating func put(
        _ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>, flags: UInt64, over found: KeyVersion?, lock: UInt64?,
        session: String
    ) -> KeyVersion {
        let version = KeyVersion(
            key: key, value: value, flags: flags, create: found?.create ?? revision, modify: revision, order: order,
            lock: lock ?? 0, session: session)
        write(version)
        return version
    }

    /// The deletion keeps how often the key was locked.
    private mutating func remove(_ found: KeyVersion) {
        write(
            KeyVersion(
                key: found.key, value: [], create: found.create, modify: revision, order: order, lock: found.lock,
                isDeleted: true))
    }

    private mutating func write(_ version: KeyVersion) {
        keys.put(version, &writes)
        order += 1
    }
}
