import Glibc
import Model
import Platform

/// Dump, compare, apply: the same at start, at every change and from time to time.
extension NodeNetwork {
    /// Makes the gateway bridge and finds out what an earlier process left on it.
    func open() throws {
        guard gateway == nil else { return }
        try Files.createDirectories(configuration.namespaceDirectory)
        _ = try ensureGateway()
        for taskID in try configuration.pinned().tasks {
            let sandbox = sandbox(taskID)
            guard sandbox.namespace.exists else {
                // A file without its namespace: the machine was started anew, or a process was killed in between.
                try sandbox.namespace.remove()
                continue
            }
            guard let address = try sandbox.gatewayAddress()?.address else { continue }
            gatewayAddresses[taskID] = address
            try? gatewayAllocator?.reserve(address)
        }
    }

    private func ensureGateway() throws -> Int {
        let configuration = configuration
        let (bridge, changes) = try configuration.host.run {
            try GatewayBridge.ensure(
                configuration.gatewayBridge, pool: configuration.gatewayPool, underlay: configuration.dataPathAddress)
        }
        if gateway?.address != bridge.address {
            gatewayAllocator = AddressAllocator(subnet: bridge.address.network, gateway: bridge.address.address)
        }
        gateway = bridge
        return changes
    }

    func reconcile(_ state: NetworkState, isRepair: Bool) throws -> NetworkReport {
        let start = ContinuousClock.now
        try open()
        var report = NetworkReport()
        if isRepair {
            report.repaired += try ensureGateway()
            report.removed += try removeStrayPorts()
        }
        try measureUnderlay(state)
        report.add(try removeOrphans(state))
        for network in state.networks {
            do {
                report.add(try reconcile(network))
            } catch {
                report.problems.append("network \(network.name): \(error)")
            }
        }
        for taskID in sandboxes.keys.sorted() {
            do {
                if isRepair, let sandbox = sandboxes[taskID] {
                    report.repaired += try makeLegs(taskID, sandbox).changes
                }
                if try updateRules(of: taskID, isRepair: isRepair) {
                    if isRepair { report.repaired += 1 } else { report.created += 1 }
                }
            } catch {
                report.problems.append("sandbox of task \(taskID): \(error)")
            }
        }
        report.add(try reconcileHost(isRepair: isRepair))
        if report.problems != problems {
            problems = report.problems
            for problem in problems { log.warning("network is not as it should be", ["reason": problem]) }
        }
        metrics.record(report, took: start.duration(to: .now))
        return report
    }

    private func measureUnderlay(_ state: NetworkState) throws {
        let own = configuration.dataPathAddress
        let peers = Set(
            state.networks.flatMap { $0.endpoints.map(\.tunnelAddress) + $0.nodePeers.map(\.tunnelAddress) })
        mtu = try configuration.host.run { try Underlay.overlayMTU(from: own, to: peers) }
    }

    /// Removes the segments that the state does not name, unless a sandbox still has a leg there.
    @discardableResult
    func removeOrphans(_ state: NetworkState) throws -> NetworkReport {
        var report = NetworkReport()
        let wanted = Set(state.networks.map(\.id))
        let pinned = try configuration.pinned()
        let ports = Set(pinned.tasks.map(NodeNetworkConfiguration.overlayPort))
        for networkID in pinned.networks where !wanted.contains(networkID) {
            let segment = segment(networkID)
            guard try segment.portNames().isDisjoint(with: ports) else { continue }
            try segment.remove()
            segments[networkID] = nil
            report.removed += 1
        }
        return report
    }

    private func reconcile(_ network: OverlayNetwork) throws -> NetworkReport {
        guard NodeNetworkConfiguration.isSafeName(network.id) else {
            throw OverlayError(.invalidAttachment, "network id \"\(network.id)\" is not fit to be a file's name")
        }
        let desire = desire(for: network)
        let report = try segment(network.id).reconcile(desire, known: segments[network.id])
        let oldMTU = segments[network.id]?.mtu
        segments[network.id] = desire
        if let oldMTU, oldMTU != desire.mtu {
            for (taskID, sandbox) in sandboxes.sorted(by: { $0.key < $1.key })
            where sandbox.legs.contains(where: { $0.networkID == network.id }) {
                try makeLegs(taskID, sandbox)
            }
        }
        return report
    }

    private func desire(for network: OverlayNetwork) -> Segment.Desire {
        var remotes: [IPv4Address: IPv4Address] = [:]
        for peer in network.nodePeers where peer.nodeID != configuration.nodeID {
            remotes[peer.address] = peer.tunnelAddress
        }
        for endpoint in network.endpoints where endpoint.nodeID != configuration.nodeID {
            remotes[endpoint.address] = endpoint.tunnelAddress
        }
        var ports: [String: IPv4Address] = [:]
        for (taskID, sandbox) in sandboxes {
            for leg in sandbox.legs where leg.networkID == network.id {
                ports[NodeNetworkConfiguration.overlayPort(taskID)] = leg.address.address
                // The address lives here now, whatever the state still says of a task that had it before.
                remotes[leg.address.address] = nil
            }
        }
        return Segment.Desire(
            tunnel: VXLANParameters(
                vni: network.vni, local: configuration.dataPathAddress, port: configuration.dataPathPort),
            gateway: IPv4Prefix(address: network.gateway, length: network.subnet.length),
            mtu: min(max(network.mtu ?? mtu, Underlay.smallestMTU), Underlay.largestMTU), remotes: remotes,
            ports: ports, nodeLeg: nodeLeg(on: network))
    }

    private func nodeLeg(on network: OverlayNetwork) -> Segment.NodeLeg? {
        guard network.isIngress, let address = network.nodeAddress else { return nil }
        return Segment.NodeLeg(
            interface: configuration.ingressLeg, address: IPv4Prefix(address: address, length: network.subnet.length))
    }

    // MARK: Sandboxes

    /// Makes or mends the legs of a sandbox. Returns how much had to change, and whether it is a new one.
    @discardableResult
    func makeLegs(_ taskID: String, _ attached: AttachedSandbox) throws -> (changes: Int, isNew: Bool) {
        let legs = attached.legs.map {
            Sandbox.Leg(networkID: $0.networkID, address: $0.address, mtu: segments[$0.networkID]?.mtu)
        }
        var gatewayLeg: Sandbox.GatewayLeg?
        if attached.hasGateway, let gateway {
            let address: IPv4Address
            if let held = gatewayAddresses[taskID] {
                address = held
            } else {
                guard var allocator = gatewayAllocator else {
                    throw OverlayError(.addressUnavailable, "the gateway bridge has no subnet")
                }
                address = try allocator.allocate(at: .now)
                gatewayAllocator = allocator
                gatewayAddresses[taskID] = address
            }
            gatewayLeg = Sandbox.GatewayLeg(
                bridge: configuration.gatewayBridge,
                address: IPv4Prefix(address: address, length: gateway.address.length),
                gateway: gateway.address.address, mtu: gateway.mtu)
        }
        let outcome = try sandbox(taskID).reconcile(legs, gateway: gatewayLeg, segment: segment)
        for leg in legs {
            segments[leg.networkID]?.ports[NodeNetworkConfiguration.overlayPort(taskID)] = leg.address.address
            segments[leg.networkID]?.remotes[leg.address.address] = nil
        }
        return outcome
    }

    /// Makes a sandbox's rules those of the applied state. Returns whether they had to change.
    @discardableResult
    func updateRules(of taskID: String, isRepair: Bool) throws -> Bool {
        guard let state, var attached = sandboxes[taskID] else { return false }
        let networks = Set(attached.legs.map(\.networkID))
        let rules = Self.rules(of: networks, in: state)
        let table = rules.turned(by: StableHash.value(of: taskID.utf8)).filterTable
        var changed = false
        if attached.rules != rules {
            // Only those who had a backend that is gone, or may have had one, have flows to forget.
            let lost = attached.rules.map { $0.hasLostBackends(in: rules) } ?? !attached.isNew
            changed = try Phase.rules.measure {
                try sandbox(taskID).ensure(
                    table, of: rules.services, isKnown: attached.rules != nil || attached.isNew, forgetsFlows: lost)
            }
            attached.rules = rules
            sandboxes[taskID] = attached
        } else if isRepair {
            changed = try sandbox(taskID).ensure(table)
        }
        if isRepair, let resolver = attached.resolver {
            let mended = try sandbox(taskID).ensure(resolver)
            changed = changed || mended
        }
        return changed
    }

    /// The services that a sandbox on these networks may reach by their virtual addresses.
    static func rules(of networks: Set<String>, in state: NetworkState) -> SandboxRules {
        var services: [IPv4Address: [IPv4Address]] = [:]
        for network in state.networks where networks.contains(network.id) {
            for service in network.services {
                guard let address = service.address else { continue }
                services[address] = network.endpoints
                    .filter { $0.serviceID == service.id && $0.isReady }.map(\.address).sorted()
            }
        }
        return SandboxRules(services: services)
    }

    // MARK: The host

    /// Published ports, egress and what protects them.
    @discardableResult
    func reconcileHost(isRepair: Bool) throws -> NetworkReport {
        guard let state, let gateway else { return NetworkReport() }
        var report = NetworkReport()
        let keys = Set(state.publishedPorts.map { PortReservations.Key(transport: $0.transport, port: $0.port) })
        let taken = try reservations.reserve(keys, in: configuration.host)
        for (key, error) in taken.sorted(by: { $0.key < $1.key }) {
            report.problems.append(
                "port \(key.port)/\(key.transport.rawValue) cannot be published on this node: \(error.reason)")
        }
        let ingress = state.networks.first(where: \.isIngress)
        let rules = HostRules(
            table: configuration.hostTable, gatewayBridge: configuration.gatewayBridge, gateway: gateway.address,
            ingress: ingress.flatMap(nodeLeg), dataPathPort: configuration.dataPathPort,
            ports: ports(state.publishedPorts, ingress: ingress).filter {
                taken[.init(transport: $0.transport, port: $0.port)] == nil
            })
        let known = hostRules
        if known == rules && !isRepair { return report }
        let targets = [gateway.address.network] + (ingress.map { [$0.subnet.network] } ?? [])
        let backends = rules.backends
        let table = rules.filterTable
        let admissions = rules.admissions
        let (changed, admitted) = try configuration.host.run(timed: .rules) { () throws -> (Bool, [String]) in
            let filter = try PacketFilter()
            let changed = try filter.ensure(table)
            if changed {
                // Flows that were led to tasks which are behind no port any more.
                try ConntrackSession().forgetDatagramFlows { flow in
                    !backends.contains(flow.replySource) && targets.contains { $0.contains(flow.replySource) }
                }
            }
            var admitted: [String] = []
            for chain in try filter.chainsThatDropForwarded() where chain.table != table.name {
                if try filter.insert(admissions, into: chain) > 0 { admitted.append("\(chain.table) \(chain.name)") }
            }
            return (changed, admitted)
        }
        for chain in admitted {
            log.warning(
                "a chain of this host drops forwarded packets: put rules that accept ours in front", ["chain": chain])
        }
        hostRules = rules
        let count = (changed ? 1 : 0) + admitted.count
        if isRepair && known == rules { report.repaired += count } else { report.created += count }
        return report
    }

    /// Each port once: while a task in host mode replaces another, both name it, and the one that has a backend has it.
    private func ports(_ published: [PublishedPort], ingress: OverlayNetwork?) -> [HostRules.Port] {
        var places: [PortReservations.Key: Int] = [:]
        var ports: [HostRules.Port] = []
        for published in published {
            let port = port(for: published, ingress: ingress)
            let key = PortReservations.Key(transport: port.transport, port: port.port)
            if let place = places[key] {
                if ports[place].backends.isEmpty { ports[place] = port }
            } else {
                places[key] = ports.count
                ports.append(port)
            }
        }
        return ports
    }

    /// Where a published port leads: to ready tasks on this node through the gateway bridge, else to those elsewhere
    /// through the ingress network.
    private func port(for published: PublishedPort, ingress: OverlayNetwork?) -> HostRules.Port {
        var backends: [IPv4Address] = []
        if let taskID = published.hostTaskID {
            backends = gatewayAddresses[taskID].map { [$0] } ?? []
        } else if let ingress {
            let ready = ingress.endpoints.filter { $0.serviceID == published.serviceID && $0.isReady }
            backends = ready.filter { $0.nodeID == configuration.nodeID }.compactMap { gatewayAddresses[$0.taskID] }
            if backends.isEmpty && ingress.nodeAddress != nil {
                backends = ready.filter { $0.nodeID != configuration.nodeID }.map(\.address)
            }
        }
        return HostRules.Port(
            transport: published.transport, port: published.port, targetPort: published.targetPort,
            backends: backends.sorted())
    }
}

extension SandboxRules {
    /// True where a backend of here is not one there.
    func hasLostBackends(in next: SandboxRules) -> Bool {
        services.contains { !Set($0.value).isSubset(of: next.services[$0.key] ?? []) }
    }
}

extension HostRules {
    var backends: Set<IPv4Address> { Set(ports.flatMap(\.backends)) }
}
