internal import Model
internal import Platform
internal import Store

/// What every node should have, computed from one snapshot: its tasks, and the networks, secrets and configs they need. Pure.
struct AssignmentPlan: Sendable {
    struct Assignment: Sendable, Equatable {
        /// Sorted by id.
        var tasks: [ClusterTask]
        var networkState: NetworkState
        /// Ids of the secrets and configs that tasks use which have not ended, sorted; those that there are.
        var files: [String] = []
    }

    private let snapshot: Snapshot
    private let nodes: [String: Node]
    private let networks: [Network]
    /// By network id: the places of live tasks on it, sorted by task id.
    private let endpoints: [String: [Endpoint]]
    private let services: [Service]
    /// Running tasks that are to stop and that others may still send traffic to.
    let leaving: Set<String>

    init(_ snapshot: Snapshot) {
        self.snapshot = snapshot
        let nodes = Dictionary(snapshot.all(Node.self).map { ($0.id, $0) }) { first, _ in first }
        self.nodes = nodes
        networks = snapshot.all(Network.self).filter { $0.vni != nil && $0.subnet != nil && $0.gatewayAddress != nil }
        services = snapshot.all(Service.self)
        let serviceIDs = Set(services.map(\.id))
        var endpoints: [String: [Endpoint]] = [:]
        var leaving: Set<String> = []
        for task in snapshot.all(ClusterTask.self) where task.status.state.isOnNode {
            guard let node = task.nodeID.flatMap({ nodes[$0] }) else { continue }
            if task.isLeaving, node.status.state != .down, serviceIDs.contains(task.serviceID) {
                leaving.insert(task.id)
            }
            for attachment in task.networksAttachments ?? [] {
                guard let endpoint = Self.endpoint(task, attachment, on: node) else { continue }
                endpoints[attachment.network.id, default: []].append(endpoint)
            }
        }
        self.endpoints = endpoints
        self.leaving = leaving
    }

    /// Whether the node is in the cluster.
    func knows(_ nodeID: String) -> Bool { nodes[nodeID] != nil }

    /// - Parameter held: tasks that are not told yet that they are to stop.
    func assignment(of nodeID: String, holding held: Set<String> = []) -> Assignment {
        let tasks = snapshot.tasks(onNode: nodeID).filter { $0.status.state >= .assigned }
        var needed: Set<String> = []
        for task in tasks where !task.status.state.isTerminal {
            for attachment in task.networksAttachments ?? [] { needed.insert(attachment.network.id) }
        }
        let state = NetworkState(
            revision: snapshot.revision,
            networks: networks.filter { $0.ingress || needed.contains($0.id) }.compactMap { overlay($0, for: nodeID) },
            publishedPorts: publishedPorts(tasks))
        let told = tasks.map { task in
            guard held.contains(task.id) else { return task }
            var task = task
            task.desiredState = .running
            return task
        }
        return Assignment(tasks: told, networkState: state, files: files(of: tasks))
    }

    /// What tasks need that have not ended. Nothing but their own specifications says what a node gets.
    private func files(of tasks: [ClusterTask]) -> [String] {
        var needed: Set<String> = []
        for task in tasks where !task.status.state.isTerminal {
            for reference in task.spec.containerSpec?.files ?? [] {
                if let id = reference.id, content(id) != nil { needed.insert(id) }
            }
        }
        return needed.sorted()
    }

    /// The data of these secrets and configs, in messages of a bounded size.
    func messages(with files: [String]) -> [[AssignedFile]] {
        var messages: [[AssignedFile]] = []
        var room = 0
        for id in files {
            guard let content = content(id) else { continue }
            if content.bytes.count > room {
                messages.append([])
                room = DispatchLimits.fileBytesPerMessage
            }
            messages[messages.count - 1].append(AssignedFile(id: id, content: content))
            room -= content.bytes.count
        }
        return messages
    }

    private func content(_ id: String) -> Base64Bytes? {
        snapshot.get(Secret.self, id)?.spec.data ?? snapshot.get(Config.self, id)?.spec.data
    }

    private static func endpoint(_ task: ClusterTask, _ attachment: NetworkAttachment, on node: Node) -> Endpoint? {
        guard let address = attachment.prefixes.first?.address, let tunnel = node.dataPathAddress,
            let tunnelAddress = IPv4Address(tunnel)
        else { return nil }
        let isReady = task.status.state == .running && task.desiredState == .running && node.status.state != .down
        return Endpoint(
            taskID: task.id, taskName: task.containerName, serviceID: task.serviceID, serviceName: task.serviceName,
            nodeID: node.id, tunnelAddress: tunnelAddress, address: address,
            isReady: isReady)
    }

    private func overlay(_ network: Network, for nodeID: String) -> OverlayNetwork? {
        guard let vni = network.vni, let subnet = network.subnet, let gateway = network.gatewayAddress else {
            return nil
        }
        var overlay = OverlayNetwork(
            id: network.id, name: network.networkName, vni: vni, subnet: subnet, gateway: gateway,
            mtu: network.options["com.docker.network.driver.mtu"].flatMap { UInt32($0) },
            isInternal: network.isInternal, isIngress: network.ingress, endpoints: endpoints[network.id] ?? [])
        guard network.ingress else {
            overlay.services = services.compactMap { Self.virtualService($0, on: network.id) }
            return overlay
        }
        let own = network.nodeAddresses ?? [:]
        overlay.nodeAddress = own[nodeID].flatMap { IPv4Prefix($0)?.address }
        overlay.nodePeers = own.keys.sorted().filter { $0 != nodeID }.compactMap { id in
            guard let tunnel = nodes[id]?.dataPathAddress.flatMap({ IPv4Address($0) }),
                let address = own[id].flatMap({ IPv4Prefix($0)?.address })
            else { return nil }
            return NodePeer(nodeID: id, tunnelAddress: tunnel, address: address)
        }
        return overlay
    }

    private static func virtualService(_ service: Service, on networkID: String) -> VirtualService? {
        guard let config = service.spec.attachedNetworks.first(where: { $0.target == networkID }) else { return nil }
        let address = service.endpoint.virtualIPs?.first { $0.networkID == networkID }
            .flatMap { IPv4Prefix($0.address)?.address }
        if service.spec.isVirtual, address == nil { return nil }
        return VirtualService(
            id: service.id, name: service.spec.name ?? service.id, aliases: config.aliases ?? [], address: address)
    }

    /// Ports in ingress mode are open on every node, those in host mode where the task is.
    private func publishedPorts(_ tasks: [ClusterTask]) -> [PublishedPort] {
        var ports: [PublishedPort] = []
        for service in services {
            for port in service.endpoint.ports ?? [] where (port.publishMode ?? .ingress) == .ingress {
                if let port = Self.port(port, of: service.id, host: nil) { ports.append(port) }
            }
        }
        for task in tasks where task.status.state.isOnNode && task.desiredState <= .running {
            for port in task.ports ?? [] where port.publishMode == .host {
                if let port = Self.port(port, of: task.serviceID, host: task.id) { ports.append(port) }
            }
        }
        return ports.sorted { ($0.transport.rawValue, $0.port) < ($1.transport.rawValue, $1.port) }
    }

    private static func port(_ port: PortConfig, of serviceID: String, host taskID: String?) -> PublishedPort? {
        guard let published = port.publishedPort, published != 0, let number = UInt16(exactly: published),
            let target = UInt16(exactly: port.targetPort)
        else { return nil }
        return PublishedPort(
            serviceID: serviceID, transport: port.transport ?? .tcp, port: number, targetPort: target,
            hostTaskID: taskID)
    }
}

extension AssignmentPlan.Assignment {
    /// What an agent that has `previous` must be told; nil where nothing changed for it. A task's status is the agent's
    /// own word and changes nothing.
    func changes(since previous: AssignmentPlan.Assignment, sequence: UInt64) -> AssignmentChanges? {
        let before = Dictionary(previous.tasks.map { ($0.id, $0.asAssigned) }) { first, _ in first }
        let after = Set(tasks.map(\.id))
        let updated = tasks.filter { before[$0.id] != $0.asAssigned }
        let removed = previous.tasks.map(\.id).filter { !after.contains($0) }
        var state = networkState
        state.revision = previous.networkState.revision
        let networks = state == previous.networkState ? nil : networkState
        let removedFiles = previous.files.filter { !files.contains($0) }
        guard !updated.isEmpty || !removed.isEmpty || networks != nil || !removedFiles.isEmpty else { return nil }
        return AssignmentChanges(
            sequence: sequence, updatedTasks: updated, removedTasks: removed, networkState: networks,
            removedFiles: removedFiles)
    }
}

extension ClusterTask {
    fileprivate var isLeaving: Bool {
        status.state == .running && desiredState > .running && networksAttachments?.isEmpty == false
    }

    /// Without what changes while an agent works on it.
    fileprivate var asAssigned: ClusterTask {
        var task = self
        task.version = ObjectVersion()
        task.updatedAt = createdAt
        task.status = TaskStatus(timestamp: createdAt, state: .assigned)
        return task
    }
}
