import Model
import Platform
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An identity of the formats that had no data keys.
private struct FormerIdentity: Decodable {
    let nodeID: String
    let clusterID: String
    let role: NodeRole
    let incarnation: UInt32?
    let credentials: String
    let advertiseAddress: String
    let dataPathAddress: String
    let dataPathPort: UInt16
    let managers: [ManagerEndpoint]
}

/// The identity's place on disk.
///
/// The file alone knows whether its keys are sealed, and which data keys there are: who saves an identity says nothing of either.
final class IdentityFile: Sendable {
    /// The keys are sealed: they are opened by `unlock`.
    struct Locked: Error {
        let identity: LockedIdentity
    }

    private struct State {
        /// As it is on the disk.
        var identity: NodeIdentity?
        var key: UnlockKey?
        /// Of the cluster's secrets that `key` comes from.
        var version: UInt64 = 0
    }

    private let path: String
    private let state = Mutex(State())
    private static let limitBytes = 1 << 20

    /// What every format has.
    private struct Format: Decodable { let format: Int }

    init(dataDirectory: String) { path = dataDirectory + "/identity.json" }

    /// Nil when the node is in no cluster.
    ///
    /// - Throws: `Locked` where its keys are sealed.
    func load() throws -> NodeIdentity? {
        state.withLock { $0 = State() }
        guard Files.exists(path) else { return nil }
        let identity = try read()
        state.withLock { $0 = State(identity: identity) }
        return identity
    }

    private func read() throws -> NodeIdentity {
        let bytes = try Files.read(path, limit: Self.limitBytes)
        if let format = try? JSONDecoder().decode(Format.self, from: Data(bytes)).format {
            if format == LockedIdentity.format {
                guard let locked = try? JSONDecoder().decode(LockedIdentity.self, from: Data(bytes)) else {
                    throw ConfigurationError(
                        "\(path) is damaged; restore it from a backup, or remove it and join again")
                }
                throw Locked(identity: locked)
            }
            guard format <= LockedIdentity.format else {
                throw ConfigurationError("\(path) was written by a newer clusterd (format \(format)); upgrade this one")
            }
            if NodeIdentity.formerFormats.contains(format) { return try loadFormer(bytes) }
            guard format >= NodeIdentity.currentFormat else {
                throw ConfigurationError(
                    "\(path) is of a clusterd whose nodes had no certificates yet (format \(format)): remove it and make or "
                        + "join a cluster anew")
            }
        }
        let identity: NodeIdentity
        do {
            identity = try JSONDecoder().decode(NodeIdentity.self, from: Data(bytes))
        } catch {
            throw ConfigurationError(
                "\(path) is damaged (\(error)); restore it from a backup, or remove it and join again")
        }
        return identity
    }

    /// A node of the version before: it gets its data keys now, before anything is sealed with them.
    private func loadFormer(_ bytes: [UInt8]) throws -> NodeIdentity {
        guard let former = try? JSONDecoder().decode(FormerIdentity.self, from: Data(bytes)) else {
            throw ConfigurationError("\(path) is damaged; restore it from a backup, or remove it and join again")
        }
        var identity = NodeIdentity(
            nodeID: former.nodeID, clusterID: former.clusterID, role: former.role, credentials: former.credentials,
            advertiseAddress: former.advertiseAddress, dataPathAddress: former.dataPathAddress,
            dataPathPort: former.dataPathPort, managers: former.managers)
        identity.incarnation = former.incarnation
        try save(identity)
        return identity
    }

    /// Durable when it returns. The data keys stay what they are, but for those of a manager that was.
    func save(_ identity: NodeIdentity) throws {
        try state.withLock { state in
            var next = state
            next.identity = identity
            // A manager that becomes a worker has others: what it sealed goes.
            if let known = state.identity, known.nodeID == identity.nodeID,
                known.role == identity.role || identity.role == .manager
            {
                next.identity?.dataKeys = known.dataKeys
            }
            try write(next)
            state = next
        }
    }

    private func write(_ state: State) throws {
        guard let identity = state.identity else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        let bytes =
            if let key = state.key {
                try encoder.encode(LockedIdentity(identity, with: key, version: state.version))
            } else {
                try encoder.encode(identity)
            }
        try Files.replace(path, with: Array(bytes), mode: 0o600)
    }

    /// The data keys of a node, which may be more than the identity says that somebody holds.
    ///
    /// - Throws: `ConfigurationError` where there are none.
    func dataKeys(of identity: NodeIdentity) throws -> DataKeys {
        let known = state.withLock { $0.identity }
        return try (known?.nodeID == identity.nodeID ? known ?? identity : identity).openDataKeys()
    }

    // MARK: Sealing

    /// Opens what `load` found sealed; nil where that is not the key. The file stays sealed with it.
    func unlock(_ locked: LockedIdentity, with key: UnlockKey) throws -> NodeIdentity? {
        guard let identity = try locked.open(with: key) else { return nil }
        state.withLock { $0 = State(identity: identity, key: key, version: locked.version) }
        return identity
    }

    /// Seals the keys as the cluster's secrets of that version say, or no more where `key` is nil. What an earlier version said is
    /// not heeded: a state that is behind would seal with a former key, or lay them open. Durable when it returns.
    ///
    /// - Returns: the data key that seals from now on, where they were not sealed before: the former have been on the disk.
    func lock(with key: UnlockKey?, version: UInt64) throws -> DataKey? {
        try state.withLock { state in
            guard version > state.version else { return nil }
            var next = state
            (next.key, next.version) = (key, version)
            guard key != state.key else {
                state = next
                return nil
            }
            var added: DataKey?
            if state.key == nil, let last = state.identity?.dataKeys.max(by: { $0.number < $1.number }) {
                added = last.successor()
                if let added { next.identity?.dataKeys.append(added) }
            }
            try write(next)
            state = next
            return added
        }
    }

    /// Draws the data key that seals from now on. Durable when it returns.
    ///
    /// - Throws: `ConfigurationError` where there have been too many.
    func addDataKey() throws -> DataKey {
        try state.withLock { state in
            guard let last = state.identity?.dataKeys.max(by: { $0.number < $1.number }), let added = last.successor()
            else { throw ConfigurationError("this node has no data key that another could follow") }
            var next = state
            next.identity?.dataKeys.append(added)
            try write(next)
            state = next
            return added
        }
    }

    /// Forgets the data keys before that number, with which nothing is sealed any more. Durable when it returns.
    func forgetDataKeys(before number: UInt32) throws {
        try state.withLock { state in
            guard let keys = state.identity?.dataKeys, keys.contains(where: { $0.number == number }) else { return }
            var next = state
            next.identity?.dataKeys = keys.filter { $0.number >= number }
            guard next.identity?.dataKeys.count != keys.count else { return }
            try write(next)
            state = next
        }
    }

    /// Lays the keys open: the node is a worker, which nobody unlocks.
    func open() throws {
        try state.withLock { state in
            guard state.key != nil else { return }
            var next = state
            (next.key, next.version) = (nil, 0)
            try write(next)
            state = next
        }
    }

    func remove() throws {
        try state.withLock { state in
            state = State()
            if Files.exists(path) { try Files.unlink(path) }
        }
    }
}
