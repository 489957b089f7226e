import Discovery
import HTTP
import Manager
import Model
import Platform
import Raft
import Store

/// A manager's state as a whole: out into a backup, in from one, and on alone where the other managers are lost.
extension ManagerRole {
    /// What a manager's state consists of.
    static let schema = Schema(
        tables: Schema.clusterTables, kinds: DiscoverySchema.kinds, parts: DiscoverySchema.parts)

    static func raftOptions(
        of identity: NodeIdentity, _ environment: MembershipEnvironment, isFounder: Bool, keys: DataKeys? = nil
    ) throws -> RaftNode.Options {
        let id = identity.place
        var options = RaftNode.Options(id: id, directory: directory(of: identity, environment) + "/raft")
        options.settings.announcementDelay = .milliseconds(1)
        if let entries = environment.configuration.snapshotEntries {
            options.settings.snapshotAfterEntries = entries
            // Entries of a kilobyte, as who asks for so many has room for them.
            options.settings.snapshotAfterBytes = max(options.settings.snapshotAfterBytes, Int(entries) << 10)
        }
        options.sealing = FileSealing(try keys ?? environment.identityFile.dataKeys(of: identity))
        if isFounder {
            options.founders = Raft.Configuration(voters: [Member(id: id, address: identity.advertiseAddress)])
        }
        return options
    }

    // MARK: Backup

    /// A copy of the state on its way out.
    struct BackupStream: Sendable {
        let header: BackupHeader
        /// Why it may lack what the cluster acknowledged; nil where it lacks nothing of before it was asked for.
        let doubt: String?
        let pieces: ThreadedPieces
    }

    /// This manager's copy of the state as of one moment, with everything that was acknowledged before the call where a leader
    /// says how far that is. Nothing waits for it.
    func backup() async throws -> BackupStream {
        let doubt = await reachLeader()
        let (snapshot, position) = store.standing
        guard let cluster = snapshot.all(Cluster.self).first else {
            throw HTTPError(
                .serviceUnavailable, "this manager has no state yet: try again in a moment, or ask another one")
        }
        let header = BackupHeader(
            clusterID: cluster.id, revision: snapshot.revision, position: position, createdAt: WallClock.now())
        return BackupStream(
            header: header, doubt: doubt,
            pieces: ThreadedPieces(named: "backup") { put in
                try StoredState(snapshot, at: position)
                    .writeBackup(of: header.clusterID, createdAt: header.createdAt, to: put)
            })
    }

    private func reachLeader() async -> String? {
        guard let discovery, raft.status.leader != nil else {
            return "no manager leads: the backup has what this manager knows"
        }
        do {
            if discovery.isLeading {
                try await discovery.confirmLeadership()
            } else {
                try await LeaderRevision(cluster: discovery).reach(isConsistent: true)
            }
            return nil
        } catch {
            return
                "the leader does not answer (\(HTTPError(describing: error).message)): the backup has what this manager "
                + "knows"
        }
    }

    // MARK: Restore

    /// Makes the folder of a manager that is alone with the backup's state. Nothing else is changed.
    static func layDown(
        _ backup: Backup, for identity: NodeIdentity, _ environment: MembershipEnvironment
    ) async throws {
        let directory = directory(of: identity, environment)
        let keys = try environment.identityFile.dataKeys(of: identity)
        let options = try raftOptions(of: identity, environment, isFounder: true, keys: keys)
        try await runOnThread(named: "restore") {
            try Files.createDirectories(directory, mode: 0o700)
            let store = try Store(path: directory + "/state.db", keys: keys, schema: schema)
            try store.replace(by: backup.snapshot, at: backup.header.position)
            try RaftNode.found(
                options, on: try ReplicatedStore(store).snapshot(), term: backup.header.position.term)
            try store.close()
        }
    }

    /// Puts this node into the state that it came up with, in the place of the managers that are in it.
    func takeOver() async throws {
        try await waitToLead()
        try await manager.takeOver(by: try asJoiner(.active))
        log.warning("restored from a backup; this node is the only manager", ["revision": store.revision])
    }

    // MARK: Scrubbing

    /// Looks whether the rows in memory are still what was written; where they are not, the state is replaced by the leader's.
    func scrub() async {
        guard !Task.isCancelled else { return }
        let store = store
        guard (try? await runOnThread(named: "scrub") { store.isSound() }) == false else { return }
        log.error("rows of the state are not what was written: is the memory of this machine damaged?")
        raft.reportDamage()
    }

    // MARK: On alone

    /// Makes this manager the only one of its cluster, before it starts: `--force-new-cluster`.
    ///
    /// - Throws: `ConfigurationError` where the managers that answer are enough for a quorum: then nothing is lost, and two
    ///   clusters would come of one.
    static func forceNewCluster(of identity: NodeIdentity, _ environment: MembershipEnvironment) async throws {
        let log = Logger("manager")
        guard identity.role == .manager else {
            throw ConfigurationError(
                "--force-new-cluster is for a manager, and this node is a worker: start it without")
        }
        let directory = directory(of: identity, environment)
        var former = try FormerManagers.load(from: directory)
        guard !former.isFlagSpent else {
            return log.warning(
                "--force-new-cluster was obeyed by an earlier start and is ignored: take it out of the flags")
        }
        let options = try raftOptions(of: identity, environment, isFounder: false)
        let configuration = try await runOnThread(named: "force") { try RaftNode.configuration(options) }
        try await refuseWithQuorum(configuration, identity, environment)
        former.isFlagSpent = true
        try former.save(in: directory)
        let known = former
        let dropped = try await runOnThread(named: "force") {
            try RaftNode.forceNewGroup(options, at: identity.advertiseAddress) { dropped in
                var former = known
                former.add(dropped.map(\.id))
                try former.save(in: directory)
            }
        }
        log.warning(
            "the cluster is made anew: this node is its only manager, and the others must not come back as they were",
            ["dropped": dropped.map(\.address).joined(separator: " ")])
    }

    /// At a start without the flag, it may be given again.
    static func allowForcing(_ identity: NodeIdentity, _ environment: MembershipEnvironment) throws {
        let directory = directory(of: identity, environment)
        guard identity.role == .manager, Files.isDirectory(directory) else { return }
        var former = try FormerManagers.load(from: directory)
        guard former.isFlagSpent else { return }
        former.isFlagSpent = false
        try former.save(in: directory)
    }

    private static func refuseWithQuorum(
        _ configuration: Raft.Configuration, _ identity: NodeIdentity, _ environment: MembershipEnvironment
    ) async throws {
        let own = identity.place
        let others = Set(configuration.voters + configuration.outgoing).filter { $0.id != own }
        guard !others.isEmpty else { return }
        let links = ClusterLinks(try identity.openCredentials(), loop: environment.loops.cluster)
        let answering = await withTaskGroup(of: Member?.self) { group in
            for member in others {
                group.addTask {
                    guard let channel = try? await links.open(.raft, to: member.address) else { return nil }
                    defer { channel.close() }
                    return NodeID(of: channel.peer) == member.id ? member : nil
                }
            }
            var answering: [Member] = []
            for await member in group { if let member { answering.append(member) } }
            return answering
        }
        let halves = [configuration.voters, configuration.outgoing].filter { !$0.isEmpty }
        let isQuorum = halves.allSatisfy { half in
            half.filter { $0.id == own || answering.contains($0) }.count > half.count / 2
        }
        guard isQuorum else { return }
        let list = answering.map(\.address).sorted().joined(separator: ", ")
        throw ConfigurationError(
            "--force-new-cluster: the cluster has its quorum, \(answering.count + 1) of \(configuration.voters.count) "
                + "managers are there (\(list)); start this one without the flag")
    }

    /// Takes the managers that the cluster was made anew without out of the state, once this one leads.
    func forgetFormerManagers(_ former: FormerManagers) async {
        let out = former.all.filter { former.isOut($0, of: raft.status.configuration) }
        guard !out.isEmpty else { return }
        let nodes = store.snapshot.all(Node.self).filter {
            $0.currentRole == .manager && out.contains(NodeID(of: $0.id, incarnation: $0.incarnation ?? 0))
        }
        guard !nodes.isEmpty else { return }
        do {
            try await manager.forget(nodes: nodes.map(\.id))
            log.warning(
                "the managers that are lost are taken out of the cluster",
                ["nodes": nodes.map { "\($0.description.hostname) (\($0.id))" }.joined(separator: ", ")])
        } catch {
            log.error("the managers that are lost are still in the cluster: node rm --force", ["error": "\(error)"])
        }
    }
}
