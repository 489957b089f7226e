public import Platform

extension Store {
    /// Computes writes against the current state and has them replicated as one; computes them anew, a bounded
    /// number of times, when another write came first.
    ///
    /// What `body` throws is thrown as it is, and nothing is written. A name that is taken is thrown, not retried.
    /// Returns when this member has applied it.
    /// - Returns: what `body` returned, and the state's revision.
    @discardableResult
    public func update<Value>(
        through proposer: any Proposer, at now: Timestamp, _ body: (inout Transaction) throws -> Value
    ) async throws -> (value: Value, revision: UInt64) {
        var attempt = 1
        while true {
            var transaction = Transaction(snapshot, at: now)
            let value = try body(&transaction)
            guard transaction.count <= Command.writesLimit else {
                throw StoreError(.tooManyWrites, "\(transaction.count) writes in one transaction")
            }
            do {
                return (value, try await commit(transaction, through: proposer))
            } catch let error as StoreError where error.code == .conflict {
                guard attempt < Self.updateAttempts, error.conflict?.reason != .nameTaken else { throw error }
                // On a member that lags behind the leader the state needs a moment to be the newer one.
                try await Task.sleep(for: .milliseconds(attempt * attempt))
                attempt += 1
            }
        }
    }

    /// Has the transaction's writes replicated, in batches of at most `Command.writesLimit`, each applied as one.
    /// Throws `StoreError` `.conflict` at the first batch that is rejected; those before it stay.
    ///
    /// - Returns: the revision of the last batch, or the present one where there was nothing to write.
    @discardableResult
    public func commit(_ transaction: Transaction, through proposer: any Proposer) async throws -> UInt64 {
        var revision = transaction.snapshot.revision
        for command in try transaction.commands() {
            switch try CommandResult(decoding: try await proposer.propose(command.encoded)) {
            case .applied(let applied, _): revision = applied
            case .conflict(let conflict): throw StoreError(conflict)
            }
        }
        if self.revision < revision { await reach(revision: revision) }
        return revision
    }
}
