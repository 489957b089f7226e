import HTTP
import Model
import Platform
import Raft
import Store

/// The keys of this manager: sealed as the state says, and changed for others.
extension ManagerRole {
    private enum KeyLimits {
        /// Keys that a manager has at a time, while something is sealed with the former.
        static let dataKeys = 8
        /// Between two looks whether a former key is needed.
        static let look: Duration = .seconds(1)
    }

    /// Keeps the node's keys on its disk as the state says, now and later.
    nonisolated func keepKeysSealed() async {
        let (snapshot, feed) = store.watch()
        sealKeys(as: snapshot)
        for await event in feed where event.mayConcern(ClusterSecrets.table) { sealKeys(as: store.snapshot) }
    }

    private nonisolated func sealKeys(as snapshot: Snapshot) {
        guard let secrets = snapshot.all(ClusterSecrets.self).first else { return }
        do {
            let key = secrets.unlockKey.flatMap { UnlockKey($0) }
            if let added = try environment.identityFile.lock(with: key, version: secrets.version.index) {
                keys.add(added)
                log.info("the keys of this node are sealed; a start needs the unlock key")
            }
        } catch {
            // With the next change, or the next start, it is tried again.
            log.error("the keys of this node are not sealed as they should be", ["error": "\(error)"])
        }
    }

    // MARK: Data keys

    /// The data keys as the API shows them: numbers, never the keys.
    nonisolated var dataKeys: DataKeyStatus {
        let numbers = keys.all.map(\.number)
        return DataKeyStatus(
            newest: numbers.last ?? 0, former: Array(numbers.dropLast()))
    }

    /// Seals with another key from now on. The former is forgotten once nothing on the disk is sealed with it.
    ///
    /// - Throws: `HTTPError` 409 where too many are still in use.
    func rotateDataKey() throws -> DataKeyStatus {
        guard keys.all.count < KeyLimits.dataKeys else {
            throw HTTPError(
                .conflict,
                "\(KeyLimits.dataKeys) data keys are in use on this manager: the former ones are forgotten once log, snapshot "
                    + "and database are sealed with the newest; is its disk full?")
        }
        let added = try environment.identityFile.addDataKey()
        keys.add(added)
        log.info("another data key seals from now on", ["key": added.number])
        return dataKeys
    }

    /// Has everything sealed with the newest key, and forgets the others; until it is cancelled.
    nonisolated func keepDataKeysFew() async {
        var isLate = false
        while !Task.isCancelled {
            do {
                if keys.all.count > 1 {
                    try await forgetFormerKeys()
                    isLate = false
                }
            } catch {
                // A full disk, or the end: they are kept, and the next look tries again.
                if !isLate { log.warning("former data keys are still needed", ["error": "\(error)"]) }
                isLate = true
            }
            try? await Task.sleep(for: KeyLimits.look)
        }
    }

    private nonisolated func forgetFormerKeys() async throws {
        let newest = keys.newest.number
        guard try await raft.reseal() else { return }
        let store = store
        try await runOnThread(named: "reseal") { try store.reseal() }
        guard keys.newest.number == newest else { return }
        // First where a start looks for them.
        try environment.identityFile.forgetDataKeys(before: newest)
        keys.forget(before: newest)
        log.info("former data keys are forgotten", ["key": newest])
    }
}
