import Discovery
import FoundationEssentials
import HTTP
import Manager
import Model
import Platform
import Raft
import Store

/// A manager: its member of the Raft group, the replicated state, what plans over it while this one leads, and the port
/// where other nodes reach it.
actor ManagerRole {
    let identity: NodeIdentity
    /// What log, snapshots and state are sealed with.
    let keys: DataKeys
    let store: Store
    let raft: RaftNode
    private let raftLinks: RaftLinks
    let links: ClusterLinks
    let manager: Manager
    let proposer: LevelledProposer
    let members: RaftMembers
    private let router: Router
    let environment: MembershipEnvironment
    private var port: ChannelListener?
    private(set) var discovery: DiscoveryMember?
    private var leadership: Task<Void, Never>?
    private var removals: Task<Void, Never>?
    private var scrubbing: Task<Void, Never>?
    private var sealing: Task<Void, Never>?
    private var resealing: Task<Void, Never>?
    private var leases: Task<Void, Never>?
    /// The term in which this manager plans and answers; nil while it leads none, or does not know yet what is committed.
    private var leadingTerm: Term?
    /// Connections that are served, by the node at their other end.
    private(set) var channels: [String: [ObjectIdentifier: Channel]] = [:]
    private var isStopped = false
    private var leaderClient: (manager: ManagerEndpoint, client: HTTPClient)?
    /// Managers that a new cluster was made without: what they say is not heeded.
    private let former: FormerManagers
    /// Those of them that were heard.
    private var unheeded: Set<String> = []
    let log = Logger("manager")

    enum Limits {
        /// Until a new cluster's only member leads it.
        static let founding: Duration = .seconds(10)
        /// Connections of one node; those that join share this number.
        static let channelsOfNode = 256
        /// What a joining node may say of itself.
        static let descriptionBytes = 64 << 10
        /// Between two looks at all rows.
        static let scrub: Duration = .seconds(600)
        /// Between two attempts of a new leader to learn what is committed.
        static let readPause: Duration = .milliseconds(50)
    }

    /// Opens the state, joins the Raft group and listens. A founder's group begins with itself; another member waits to be
    /// added, or is one already.
    static func open(
        _ identity: NodeIdentity, _ credentials: CurrentCredentials, _ environment: MembershipEnvironment,
        isFounder: Bool
    ) async throws -> ManagerRole {
        let directory = Self.directory(of: identity, environment)
        try Files.createDirectories(directory, mode: 0o700)
        let keys = try environment.identityFile.dataKeys(of: identity)
        let store = try Store(path: directory + "/state.db", keys: keys, schema: Self.schema)
        let links = ClusterLinks(credentials, loop: environment.loops.cluster) { peer, purpose in
            Self.objection(to: peer, for: purpose, store)
        }
        let raftLinks = RaftLinks(links: links, known: identity.managers)
        let options = try Self.raftOptions(of: identity, environment, isFounder: isFounder, keys: keys)
        let raft = try await RaftNode.start(options, stateMachine: ReplicatedStore(store), transport: raftLinks)
        raftLinks.onRefusal { [weak raft] in raft?.memberIsGone($0) }
        let role = ManagerRole(
            identity, keys: keys, store: store, raft: raft, raftLinks: raftLinks, links: links,
            former: try FormerManagers.load(from: directory), environment)
        do {
            try await role.start()
        } catch {
            await role.stop()
            throw error
        }
        return role
    }

    private init(
        _ identity: NodeIdentity, keys: DataKeys, store: Store, raft: RaftNode, raftLinks: RaftLinks,
        links: ClusterLinks, former: FormerManagers, _ environment: MembershipEnvironment
    ) {
        self.identity = identity
        self.keys = keys
        self.store = store
        self.raft = raft
        self.raftLinks = raftLinks
        self.links = links
        self.former = former
        self.environment = environment
        members = RaftMembers(raft: raft, store: store, links: links)
        let proposer = LevelledProposer(RaftProposer(node: raft), schema: store.schema) { [members] in
            members.level()
        }
        manager = Manager(store: store, proposer: proposer, members: members)
        self.proposer = proposer
        router = manager.router()
    }

    private func start() throws {
        // Lives until `stop`, or until the Raft member ends.
        leadership = Task { [weak self, raft] in
            for await change in raft.roleChanges() { await self?.follow(change) }
            if !Task.isCancelled, let failure = await raft.stopped() { await self?.fail(failure) }
        }
        let (_, feed) = store.watch()
        // The same; the feed ends with its task.
        removals = Task { [weak self] in
            for await event in feed {
                await self?.sendAway(after: event)
            }
        }
        // The same.
        sealing = Task { [weak self] in await self?.keepKeysSealed() }
        // The same.
        leases = Task { [weak self] in await self?.followLevels() }
        // The same.
        resealing = Task { [weak self] in await self?.keepDataKeysFew() }
        // Ended by `stop`.
        scrubbing = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Limits.scrub)
                await self?.scrub()
            }
        }
        let access = KnownAccess(store) { [api = environment.api, discovery = environment.discovery] known in
            // Whoever waits for an answer that goes on, logs or events, gets no more of it.
            discovery.review(known)
            guard !known.revoked.isEmpty else { return }
            api.abort { peer in
                guard case .secured(let certificate?) = peer.entrance else { return false }
                return known.revoked.contains(certificate.serial)
            }
        }
        let member = DiscoveryMember(
            store: store, raft: raft, proposer: proposer, loop: environment.loops.discovery,
            nodeName: environment.configuration.name ?? HostFacts.current.hostname, access: access
        ) { [weak self] in await self?.authority() ?? .unknown }
        discovery = member
        environment.discovery.serve(member)
        let listen = environment.configuration.listenAddress
        port = try ChannelListener(
            on: listen, authentication: links.authentication, loop: environment.loops.cluster
        ) { [weak self] channel in
            await self?.serve(channel)
        }
        log.info("serving the cluster", ["on": listen])
    }

    /// Each of a node's lives as a manager has a folder of its own.
    static func directory(of identity: NodeIdentity, _ environment: MembershipEnvironment) -> String {
        "\(environment.configuration.dataDirectory)/manager-\(identity.nodeID)"
            + (identity.incarnation.map { "-\($0)" } ?? "")
    }

    /// Forgets the replicated state and the log, those of former lives too; `life` is kept.
    static func removeState(
        of identity: NodeIdentity, _ environment: MembershipEnvironment, besides life: NodeIdentity? = nil
    ) throws {
        let kept = life.map { directory(of: $0, environment) }
        let folder = environment.configuration.dataDirectory
        let first = "manager-\(identity.nodeID)"
        for name in try Files.list(folder) where name == first || name.hasPrefix(first + "-") {
            let path = "\(folder)/\(name)"
            if path != kept { try Files.remove(path) }
        }
    }

    /// Stops serving and takes no further part in the group; the others go on. A leader hands over first, so that nobody need
    /// find out that it is gone.
    func stop() async {
        isStopped = true
        await handOver()
        port?.close()
        port = nil
        leadership?.cancel()
        removals?.cancel()
        scrubbing?.cancel()
        sealing?.cancel()
        leases?.cancel()
        resealing?.cancel()
        await sealing?.value
        await resealing?.value
        leadingTerm = nil
        if discovery != nil { environment.discovery.serve(nil) }
        discovery?.lead(in: nil)
        discovery?.watches.stop()
        discovery = nil
        manager.stopLeading()
        for channel in channels.values.flatMap(\.values) { channel.close() }
        await raft.stop()
        raftLinks.close()
        do { try store.close() } catch { log.error("the state's database", ["error": "\(error)"]) }
    }

    private func handOver() async {
        guard raft.status.role == .leader, raft.status.reachable.contains(where: { $0 != raft.id }) else { return }
        do {
            try await raft.transferLeadership()
        } catch {
            log.info("stopping while leading", ["reason": "\(error)"])
        }
    }

    /// All managers as this one knows them, the leader first.
    nonisolated func endpoints() -> [ManagerEndpoint] { members.endpoints() }

    // MARK: Leading

    /// Called for one change after the other.
    private func follow(_ change: RoleChange) async {
        if let leadingTerm, change.role != .leader || change.term != leadingTerm {
            self.leadingTerm = nil
            discovery?.lead(in: nil)
            log.info("no longer leading", ["term": change.term])
            manager.stopLeading()
        }
        guard change.role == .leader, leadingTerm == nil, await isUpToDate(in: change.term), !isStopped else { return }
        leadingTerm = change.term
        proposer.reconsider()
        discovery?.lead(in: change.term)
        log.info("leading", ["term": change.term])
        manager.startLeading()
        await forgetFormerManagers(former)
    }

    /// Waits until the state shows all that earlier leaders committed: who planned over less would take a node that has just
    /// joined for one that was removed. False where the term ends before.
    private func isUpToDate(in term: Term) async -> Bool {
        while raft.status.role == .leader, raft.status.term == term, !Task.isCancelled {
            do {
                _ = try await raft.readIndex()
                return raft.status.role == .leader && raft.status.term == term
            } catch {
                log.debug("what is committed is not known yet", ["term": term, "reason": "\(error)"])
                try? await Task.sleep(for: Limits.readPause)
            }
        }
        return false
    }

    /// The Raft member's own word counts: it is ahead of `follow`.
    var isLeading: Bool {
        guard let leadingTerm else { return false }
        let status = raft.status
        return status.role == .leader && status.term == leadingTerm && status.divergence == nil
    }

    /// The Raft member ended by itself: this node can neither vote nor answer for the state.
    private func fail(_ failure: RaftError) {
        guard !isStopped else { return }
        leadingTerm = nil
        discovery?.lead(in: nil)
        manager.stopLeading()
        environment.onFailure("the manager cannot go on: \(failure)")
    }

    /// Who answers for the cluster's state at this moment.
    func authority() -> ClusterAuthority {
        if isLeading { return .here(router) }
        guard let leader = members.leader(), leader.nodeID != identity.nodeID else { return .unknown }
        if let leaderClient, leaderClient.manager == leader { return .leader(leaderClient.client) }
        let client = links.apiClient(to: leader)
        leaderClient = (leader, client)
        return .leader(client)
    }

    /// The leader where it is another one; nil on the leader itself.
    ///
    /// - Throws: `HTTPError` 503 while none is known.
    func otherLeader() throws -> ManagerEndpoint? {
        if isLeading { return nil }
        guard let leader = members.leader(), leader.nodeID != identity.nodeID else {
            throw HTTPError(.serviceUnavailable, "the cluster has no leader at this moment; try again")
        }
        return leader
    }

    // MARK: Other nodes

    private func serve(_ channel: Channel) async {
        let peer = channel.purpose == .join ? "" : channel.peer.nodeID
        guard !isStopped, channels[peer, default: [:]].count < Limits.channelsOfNode else { return }
        channels[peer, default: [:]][ObjectIdentifier(channel)] = channel
        defer {
            channels[peer]?[ObjectIdentifier(channel)] = nil
            if channels[peer]?.isEmpty == true { channels[peer] = nil }
        }
        // A connection lasts no longer than the certificate that it began with; its node comes again with the next.
        let timer = channel.certificate.map { certificate in
            environment.loops.cluster.schedule(after: certificate.notAfter - WallClock.now()) { channel.close() }
        }
        defer { timer?.cancel() }
        // Once more: what was removed until here is not sent away any more.
        guard Self.objection(to: channel.peer, for: channel.purpose, store) == nil else { return }
        switch channel.purpose {
        case .raft:
            guard !isFormer(channel.peer) else { return }
            let (raft, discovery, log) = (raft, discovery, log)
            await withTaskExecutorPreference(raft.loop) {
                await Self.receive(from: channel, for: raft, discovery, log)
            }
        case .dispatch: await manager.serve(DispatchLink(channel: channel), nodeID: channel.peer.nodeID)
        case .api:
            await environment.api.serve(
                channel.stream, peer: HTTPPeer(nodeID: channel.peer.nodeID, role: channel.peer.role.word))
        case .join: await JoinHost(manager: self, loop: environment.loops.cluster).serve(channel)
        case .renew: await RenewalHost(manager: self, loop: environment.loops.cluster).serve(channel)
        }
    }

    /// Whether the cluster was made anew without this manager; said once.
    private func isFormer(_ peer: PeerIdentity) -> Bool {
        guard former.isOut(NodeID(of: peer), of: raft.status.configuration) else { return false }
        if unheeded.insert(peer.nodeID).inserted {
            log.warning(
                "a manager that the cluster was made anew without speaks up; it is not heeded: let it leave and join again",
                ["node": peer.nodeID])
        }
        return true
    }

    /// A node that is removed loses the connections it has; an agent that comes again is told why. One that is no manager any
    /// more loses those that only a manager may have.
    private func sendAway(after event: ChangeEvent) {
        let ids: [String]
        switch event {
        case .lagged: ids = channels.keys.sorted()
        case .changes(_, let changes): ids = changes.filter { $0.table == Node.table }.map(\.id)
        }
        for id in ids {
            let isRemoved = store.snapshot.get(Node.self, id) == nil
            for channel in (channels[id] ?? [:]).values {
                let isRemoved = isRemoved && store.snapshot.get(RemovedNode.self, id) != nil
                if isRemoved || Self.objection(to: channel.peer, for: channel.purpose, store) != nil { channel.close() }
            }
        }
    }

    // MARK: Members

    /// Makes the cluster, on the node that founds it.
    func initialize(_ request: SwarmInitRequest, by authority: CertificateAuthority) async throws {
        try await waitToLead()
        try await manager.found(
            request, clusterID: identity.clusterID, authority: authority, dataPathPort: identity.dataPathPort,
            first: try asJoiner(request.availability ?? .active))
    }

    /// On the only member of a group.
    func waitToLead() async throws {
        let deadline = ContinuousClock.now + Limits.founding
        while !isLeading {
            guard ContinuousClock.now < deadline else {
                throw HTTPError(.internalServerError, "the new cluster's only member did not become its leader")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// This node, as one that comes into the cluster.
    func asJoiner(_ availability: NodeAvailability) throws -> Joiner {
        Joiner(
            nodeID: identity.nodeID, role: .manager,
            description: HostFacts.current.nodeDescription(name: environment.configuration.name),
            availability: availability, address: identity.advertiseAddress,
            dataPathAddress: identity.dataPathAddress,
            certificate: NodeCertificate(try identity.openCredentials().value))
    }
}

/// The manager's end of a dispatch channel.
private struct DispatchLink: DispatchConnection {
    let channel: Channel

    func send(_ message: ManagerMessage) async throws { try await channel.send(json: message) }
    func receive() async throws -> AgentMessage? { try await channel.receive(json: AgentMessage.self) }
    func close() { channel.close() }
}
