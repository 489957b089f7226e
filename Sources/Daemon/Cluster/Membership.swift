import Agent
import HTTP
import Manager
import Model
import Platform
import Store
import Synchronization

/// What a membership needs of the daemon around it.
struct MembershipEnvironment: Sendable {
    let configuration: DaemonConfiguration
    let agent: NodeAgent
    let loops: Loops
    let identityFile: IdentityFile
    /// The whole API, for calls that other managers forward here.
    let api: HTTPServer
    /// Told which manager it answers for.
    let discovery: DiscoveryNode
    /// Told why the node cannot go on: its Raft member ended by itself.
    let onFailure: @Sendable (String) -> Void
}

/// This node's part in a cluster, from founding, joining or resuming it to leaving: the agent and its session with the
/// managers and, on a manager, the replicated state, what leads it, and the cluster port.
actor Membership {
    private(set) var identity: NodeIdentity
    private(set) var manager: ManagerRole? {
        didSet { seat.take(manager) }
    }
    private let environment: MembershipEnvironment
    private let credentials: CurrentCredentials
    private var agent: AgentRole?
    private var renewal: Task<Void, Never>?
    /// Makes of this node what its certificate has come to say.
    private var roles: Task<Void, Never>?
    private let roleSignal = Signal()
    private let seat = ManagerSeat()
    /// This part ends: the identity, which may be removed now, is not written again.
    private var isOver = false
    private let log = Logger("membership")

    private init(_ identity: NodeIdentity, _ environment: MembershipEnvironment) throws {
        self.identity = identity
        self.environment = environment
        credentials = try identity.openCredentials()
    }

    // MARK: The three ways in

    /// A new cluster with this node as its first manager.
    static func found(_ request: SwarmInitRequest, in environment: MembershipEnvironment) async throws -> Membership {
        let addresses = try NodeAddresses(
            configuration: environment.configuration, advertise: request.advertiseAddress,
            dataPath: request.dataPathAddress, dataPathPort: request.dataPathPort, towards: nil)
        let clusterID = Identifier.random()
        let authority = try request.authority(for: clusterID)
        let identity = try NodeIdentity(
            founding: addresses, clusterID: clusterID, by: authority,
            validity: try request.certificateValidity())
        return try await begin(identity, in: environment) {
        } found: {
            try await $0.initialize(request, by: authority)
        }
    }

    /// The first manager of a cluster; the identity is written down last, so that a failure or a crash on the way leaves a node
    /// that is in none.
    private static func begin(
        _ identity: NodeIdentity, in environment: MembershipEnvironment, prepare: () async throws -> Void,
        found: @escaping @Sendable (ManagerRole) async throws -> Void
    ) async throws -> Membership {
        let membership = try Membership(identity, environment)
        do {
            try await prepare()
            try await membership.takeUp(found)
            try environment.identityFile.save(await membership.identity)
        } catch {
            await membership.stop()
            await environment.agent.endTasks(within: AgentRole.Limits.leave)
            try? environment.identityFile.remove()
            try? ManagerRole.removeState(of: identity, environment)
            throw error
        }
        return membership
    }

    /// A cluster that exists, by token.
    static func join(_ request: SwarmJoinRequest, in environment: MembershipEnvironment) async throws -> Membership {
        let joining = try Joining(request, environment.configuration, loop: environment.loops.cluster)
        return try await joining.run { identity in
            let membership = try Membership(identity, environment)
            do {
                // Before anything counts on this node: after a crash here it resumes as the member that it then is.
                try environment.identityFile.save(identity)
                try await membership.takeUp()
            } catch {
                // Nothing counts on it yet, so it may take all back.
                try? await membership.leave(force: true)
                throw error
            }
            return membership
        }
    }

    /// A cluster that is gone, from a backup of its state, with this node as its only manager.
    static func restore(
        _ backup: Backup, advertise: String?, dataPath: String?, in environment: MembershipEnvironment
    ) async throws -> Membership {
        guard let cluster = backup.snapshot.all(Cluster.self).first else {
            throw HTTPError(.badRequest, "the backup holds no cluster: it was made before one was")
        }
        let addresses = try NodeAddresses(
            configuration: environment.configuration, advertise: advertise, dataPath: dataPath,
            dataPathPort: cluster.dataPathPort, towards: nil)
        let authority = try CertificatePolicy.authority(in: backup.snapshot, now: WallClock.now())
        // Where the backup was made while the root was being changed, workers come with certificates of either.
        let roots = try Certificate.all(pem: [UInt8](CertificatePolicy.roots(in: backup.snapshot).utf8))
        let identity = try NodeIdentity(
            founding: addresses, clusterID: cluster.id, by: authority,
            validity: CertificatePolicy.validity(in: backup.snapshot), trusting: roots)
        return try await begin(identity, in: environment) {
            try await ManagerRole.layDown(backup, for: identity, environment)
        } found: {
            try await $0.takeOver()
        }
    }

    /// The cluster that the node was in when it stopped.
    static func resume(_ identity: NodeIdentity, in environment: MembershipEnvironment) async throws -> Membership {
        if environment.configuration.forcesNewCluster {
            try await ManagerRole.forceNewCluster(of: identity, environment)
        } else {
            try ManagerRole.allowForcing(identity, environment)
        }
        let membership = try Membership(identity, environment)
        try await membership.takeUp()
        return membership
    }

    /// `found` makes the cluster, on the node that founds it.
    private func takeUp(_ found: (@Sendable (ManagerRole) async throws -> Void)? = nil) async throws {
        try ManagerRole.removeState(
            of: identity, environment, besides: identity.role == .manager ? identity : nil)
        if identity.role != .manager { try environment.identityFile.open() }
        if identity.role == .manager {
            let role = try await ManagerRole.open(identity, credentials, environment, isFounder: found != nil)
            manager = role
            try await found?(role)
            await comeBack(with: role)
        }
        let links = ClusterLinks(credentials, loop: environment.loops.cluster)
        let certificates = CertificateRenewal(credentials, links: links) { [weak self] in
            await self?.whomToAsk() ?? []
        } keep: { [weak self] in
            try await self?.keep($0)
        }
        agent = try await AgentRole.open(
            identity, links: links, environment,
            managers: { [seat] in seat.endpoints() },
            onManagers: { [weak self] in await self?.remember($0) }, onRenewal: { certificates.renewSoon() })
        // Lives as long as the membership, which no scope encloses.
        renewal = Task { await certificates.run() }
        // The same.
        roles = Task { [weak self, roleSignal] in
            for await _ in roleSignal.wakes { await self?.assumeRole() }
        }
    }

    // MARK: Changing the role

    /// Becomes what the identity says, in place: the agent, its containers and networks are not touched. Tries again until it is
    /// done; a restart does the same.
    private func assumeRole() async {
        var attempt = 0
        while !isOver, !Task.isCancelled {
            do {
                if let manager, identity.role != .manager || manager.identity.incarnation != identity.incarnation {
                    self.manager = nil
                    await manager.stop()
                    log.info("this node is no manager any more", ["node": identity.nodeID])
                }
                try ManagerRole.removeState(
                    of: identity, environment, besides: identity.role == .manager ? identity : nil)
                if identity.role != .manager { try environment.identityFile.open() }
                if identity.role == .manager, manager == nil {
                    let role = try await ManagerRole.open(identity, credentials, environment, isFounder: false)
                    if isOver { return await role.stop() }
                    manager = role
                    log.info("this node is a manager from now on", ["node": identity.nodeID])
                    // The identity may be another one by now.
                    continue
                }
                return
            } catch {
                attempt += 1
                log.error(
                    "this node cannot be what it is to be yet", ["role": identity.role.rawValue, "error": "\(error)"])
                try? await Task.sleep(for: min(Limits.roleRetry * attempt, Limits.longestRoleRetry))
            }
        }
    }

    /// Before a forced leave: the others need not count it as lost. Where they would lose their quorum by it, or nobody leads,
    /// it leaves as it is.
    private func stepDown(_ manager: ManagerRole) async {
        guard !manager.isAlone else { return }
        do {
            try await manager.askToBeWorker()
            let deadline = ContinuousClock.now + Limits.stepDown
            while self.manager != nil {
                guard ContinuousClock.now < deadline else {
                    throw HTTPError(.gatewayTimeout, "not done after \(Limits.stepDown)")
                }
                try await Task.sleep(for: Limits.stepDownLook)
            }
        } catch {
            log.warning("left without being demoted", ["error": "\(HTTPError(describing: error).message)"])
        }
    }

    enum Limits {
        static let roleRetry: Duration = .seconds(1)
        static let longestRoleRetry: Duration = .seconds(30)
        /// For the group to let this manager go.
        static let stepDown: Duration = .seconds(10)
        static let stepDownLook: Duration = .milliseconds(20)
    }

    /// A manager whose certificate has ended while it was off would be heard by nobody; it has in its state what makes another.
    private func comeBack(with manager: ManagerRole) async {
        let current = credentials.value
        guard current.certificate.notAfter <= WallClock.now() else { return }
        do {
            let key = PrivateKey.generate()
            let (certificate, roots) = try await manager.renew(
                current.node.nodeID, CertificateRequest(signedBy: key).der)
            guard let certificate else {
                throw HTTPError(.serviceUnavailable, "the root has lost its key, and is being changed")
            }
            try await keep(
                NodeCredentials(key: key, certificate: certificate, roots: Certificate.all(pem: [UInt8](roots.utf8))))
            log.warning(
                "the certificate had ended; this manager has issued itself another",
                ["ended": current.certificate.notAfter, "until": certificate.notAfter])
        } catch {
            log.error(
                "no certificate could be issued here", ["next": current.adviceOnceEnded ?? "", "error": "\(error)"])
        }
    }

    /// Durable first: a certificate in use is one that a restart finds.
    private func keep(_ next: NodeCredentials) async throws {
        guard !isOver else { throw CancellationError() }
        var renewed = identity
        renewed.take(next)
        try environment.identityFile.save(renewed)
        let isOther = (renewed.role, renewed.incarnation) != (identity.role, identity.incarnation)
        identity = renewed
        let trusted = credentials.value.roots
        credentials.replace(by: next)
        if !trusted.allSatisfy(next.roots.contains) { await manager?.close(besides: next.roots) }
        if isOther { roleSignal.wake() }
    }

    /// The managers that this node knows of.
    private func managers() async -> [ManagerEndpoint] {
        if manager != nil { return seat.endpoints() }
        let told = await agent?.managers() ?? []
        // It may have been one itself a moment ago.
        return (told.isEmpty ? identity.managers : told).filter { $0.nodeID != identity.nodeID }
    }

    /// The same and others that may be managers: one that was demoted while it was off knows least of all who they are.
    private func whomToAsk() async -> [ManagerEndpoint] {
        var seen: Set<ManagerEndpoint> = []
        let told = await agent?.managers() ?? []
        return (seat.endpoints() + told + identity.managers).filter { seen.insert($0).inserted }
    }

    /// Writes down who the managers are, so that the daemon finds one after a restart, however many were replaced since.
    private func remember(_ managers: [ManagerEndpoint]) {
        guard !isOver, Set(managers) != Set(identity.managers) else { return }
        identity.managers = managers
        do {
            try environment.identityFile.save(identity)
        } catch {
            log.warning("the managers are not written down", ["error": "\(error)"])
        }
    }

    // MARK: The ways out

    /// Stops taking part; containers go on, and so does the identity.
    func stop() async {
        isOver = true
        renewal?.cancel()
        await endRoles()
        await agent?.stop()
        agent = nil
        await manager?.stop()
        manager = nil
    }

    /// Ends the tasks and forgets the cluster.
    func leave(force: Bool) async throws {
        if let manager {
            guard force else { throw await manager.leavingNeedsForce() }
            await stepDown(manager)
        }
        isOver = true
        renewal?.cancel()
        await endRoles()
        if let agent {
            await agent.leave()
        } else {
            // A beginning that failed may have got as far as the tasks; they carry the node's id.
            await environment.agent.endTasks(within: AgentRole.Limits.leave)
        }
        agent = nil
        await manager?.stop()
        manager = nil
        try environment.identityFile.remove()
        try ManagerRole.removeState(of: identity, environment)
    }

    private func endRoles() async {
        roles?.cancel()
        await roles?.value
        roles = nil
    }

    // MARK: What the API asks

    /// The `Swarm` object of `/info`.
    func info() async -> SystemInfo.Swarm {
        var info = SystemInfo.Swarm()
        info.nodeID = identity.nodeID
        info.nodeAddress = SocketAddress.parse(identity.advertiseAddress)?.host ?? identity.advertiseAddress
        info.localNodeState = .active
        info.controlAvailable = manager != nil
        info.remoteManagers = await managers().map { SystemInfo.RemoteManager(nodeID: $0.nodeID, address: $0.address) }
        if let manager { await manager.describe(&info) }
        if let advice = credentials.value.adviceOnceEnded { info.error = advice }
        return info
    }
}

/// The manager that a node is at this moment, for those who cannot wait for its membership.
private final class ManagerSeat: Sendable {
    private let role = Mutex<ManagerRole?>(nil)

    func take(_ role: ManagerRole?) { self.role.withLock { $0 = role } }

    /// The managers, the leader first, as members of the group know them; none on a worker.
    func endpoints() -> [ManagerEndpoint] { role.withLock { $0 }?.endpoints() ?? [] }
}

extension SocketAddress {
    /// The address without its port.
    var host: String {
        switch self {
        case .ipv4(let address, _): "\(address)"
        case .ipv6(let address, _): "\(address)"
        case .unix(let path): path
        }
    }
}
