import Store

/// Does a transaction's operations one after the other, each seeing what those before it did. All are tried, so that all
/// that is wrong is said.
struct TransactionRun {
    enum Limits {
        /// Bytes of all keys and values that one transaction may read.
        static let answerBytes = 8 << 20
    }

    private(set) var changes: KeyValueTransaction
    private(set) var result = TransactionResult()
    private let sessions: SessionState
    private var answerBytes = 0

    init(_ changes: KeyValueTransaction, _ sessions: SessionState) {
        self.changes = changes
        self.sessions = sessions
    }

    /// See `KeyValueTransaction.finish`.
    mutating func finish(_ state: inout AppliedChanges) -> Bool { changes.finish(&state) }

    mutating func run(_ operations: [TransactionOperation]) {
        for (index, operation) in operations.enumerated() {
            if let what = run(operation) { result.failures.append(.init(operation: index, what: what)) }
        }
    }

    /// What went wrong, if anything did.
    private mutating func run(_ operation: TransactionOperation) -> String? {
        let key = operation.key[...]
        let name = "\"\(String(decoding: key, as: UTF8.self))\""
        let found = operation.verb.isTree ? nil : changes.found(key)
        switch operation.verb {
        case .get where found == nil: return "key \(name) doesn't exist"
        case .get, .getOrEmpty: return read(found ?? KeyVersion(key: key, value: [], create: 0, modify: 0), name)
        case .getTree: return readTree(key, name)
        case .checkIndex where found?.modify != operation.index:
            guard let found else { return "key \(name) doesn't exist" }
            return "failed index check for key \(name), current modify index \(found.modify) != \(operation.index)"
        case .checkSession where found?.session != operation.session:
            guard let found else { return "key \(name) doesn't exist" }
            return
                "failed session check for key \(name), current session \"\(found.session)\" != \"\(operation.session)\""
        case .checkIndex, .checkSession:
            if let found { append(found, hasValue: false) }
            return nil
        case .checkNotExists: return found == nil ? nil : "key \(name) exists"
        default: return change(operation, name)
        }
    }

    private mutating func change(_ operation: TransactionOperation, _ name: String) -> String? {
        let key = operation.key[...]
        let value = operation.value[...]
        let outcome: KeyValueTransaction.Outcome
        let refusal: String
        switch operation.verb {
        case .checkAndSet:
            outcome = changes.set(key, value, flags: operation.flags, expected: operation.index)
            refusal = "failed to set key \(name), index is stale"
        case .lock:
            outcome = changes.lock(key, value, flags: operation.flags, session: operation.session, sessions)
            refusal = "failed to lock key \(name), lock is already held, or its last holder's lock delay is not over"
        case .unlock:
            outcome = changes.unlock(key, value, flags: operation.flags, session: operation.session)
            refusal = "failed to unlock key \(name), lock isn't held, or is held by another session"
        case .checkAndDelete:
            outcome = changes.delete(key, expected: operation.index)
            refusal = "failed to delete key \(name), index is stale"
        case .delete: (outcome, refusal) = (changes.delete(key), "")
        case .deleteTree:
            changes.deleteTree(key)
            (outcome, refusal) = (.done(nil), "")
        default: (outcome, refusal) = (changes.set(key, value, flags: operation.flags), "")
        }
        switch outcome {
        case .done(let version):
            if let version { append(version, hasValue: false) }
            return nil
        case .refused: return refusal
        case .noSession: return "invalid session \"\(operation.session)\""
        }
    }

    private mutating func read(_ version: KeyVersion, _ name: String) -> String? {
        answerBytes += version.rowCount
        guard answerBytes <= Limits.answerBytes else {
            return "reading \(name): the transaction reads more than \(Limits.answerBytes) bytes"
        }
        append(version, hasValue: true)
        return nil
    }

    private mutating func readTree(_ prefix: ArraySlice<UInt8>, _ name: String) -> String? {
        var all: [KeyVersion] = []
        changes.keys.forEach(prefix: prefix) { if !$0.isDeleted { all.append($0) } }
        for version in all {
            if let what = read(version, name) { return what }
        }
        return nil
    }

    private mutating func append(_ version: KeyVersion, hasValue: Bool) {
        result.entries.append(hasValue ? version.row : version.withoutValue.row)
    }
}
