internal import Model
internal import Overlay
internal import Platform
internal import Store

/// Gives networks their number and subnet, services their virtual addresses and ports, tasks and nodes their addresses.
///
/// Everything it gave stands in the objects, and so does what was given up lately (`Network.restingAddresses`).
struct Allocator {
    /// VXLAN network identifiers below are left to others.
    static let firstVNI: UInt32 = 4097
    /// 24 bits.
    static let vniLimit: UInt32 = 1 << 24
    /// Ports given to services that ask for any.
    static let automaticPorts: ClosedRange<UInt32> = 30000...32767
    /// When an allocation that failed for want of something is tried again even though nothing else happened.
    static let retryDelay: Duration = .seconds(5)

    private var book = AddressBook()

    // MARK: Networks and nodes

    mutating func planNetworks(_ draft: inout Draft) {
        let networks = draft.snapshot.all(Network.self)
        var numbers = Set(networks.compactMap(\.vni))
        for network in networks where network.vni == nil || network.subnet == nil {
            var network = network
            if network.vni == nil, let number = book.newVNI(besides: numbers) {
                network.vni = number
                numbers.insert(number)
            }
            if network.subnet == nil, let subnet = newSubnet(draft) {
                let gateway = IPv4Address(value: subnet.first.value &+ 1)
                network.ipam.config = [.init(subnet: "\(subnet)", gateway: "\(gateway)")]
            }
            draft.put(network)
        }
        book.sync(networks: draft.snapshot.all(Network.self), at: draft.monotonic, wall: draft.now)
    }

    private func newSubnet(_ draft: Draft) -> IPv4Prefix? {
        let cluster = draft.snapshot.all(Cluster.self).first
        let bases = (cluster?.defaultAddressPool ?? ["10.0.0.0/8"]).compactMap { IPv4Prefix($0) }
        let taken = draft.snapshot.all(Network.self).compactMap(\.subnet)
        for base in bases {
            let length = min(max(Int(cluster?.subnetSize ?? 24), base.length), 30)
            var pool = SubnetPool(base: base, subnetLength: length)
            if let subnet = try? pool.allocate(avoiding: taken) { return subnet }
        }
        return nil
    }

    /// Every node's own address on the ingress network.
    mutating func planNodes(_ draft: inout Draft) {
        guard var ingress = draft.snapshot.all(Network.self).first(where: { $0.ingress }), let subnet = ingress.subnet
        else { return }
        let nodes = draft.snapshot.all(Node.self)
        let ids = Set(nodes.map(\.id))
        let held = ingress.nodeAddresses ?? [:]
        var addresses = held.filter { ids.contains($0.key) }
        // Those of nodes that went before this leader looked are given up now, as far as anybody knows.
        book.sync(nodeAddresses: held, networkID: ingress.id, at: draft.monotonic)
        if addresses.count < held.count {
            book.sync(nodeAddresses: addresses, networkID: ingress.id, at: draft.monotonic)
        }
        for node in nodes where addresses[node.id] == nil {
            guard let address = try? book.allocate(ingress.id, for: .node(node.id), at: draft.monotonic) else { break }
            addresses[node.id] = "\(address)/\(subnet.length)"
        }
        let gone = held.keys.filter { addresses[$0] == nil }.sorted().compactMap { held[$0] }
        if !gone.isEmpty { ingress.rest(gone, at: draft.now) }
        ingress.nodeAddresses = addresses
        draft.put(ingress)
    }

    // MARK: Services

    /// Takes up what the services and their tasks hold, before anything is given out.
    mutating func takeStock(of serviceIDs: [String], _ draft: Draft) {
        for id in serviceIDs {
            book.sync(service: draft.snapshot.get(Service.self, id), id: id, at: draft.monotonic)
            let tasks = draft.snapshot.tasks(ofService: id)
            book.sync(tasks: tasks, ofService: id, at: draft.monotonic, wall: draft.now)
        }
    }

    mutating func plan(_ serviceID: String, ports: inout PublishedPorts, _ draft: inout Draft) {
        guard var service = draft.snapshot.get(Service.self, serviceID) else { return }
        service.endpoint.spec = service.spec.endpointSpec
        service.endpoint.ports = ports.assign(service)
        let before = service.endpoint.virtualIPs ?? []
        service.endpoint.virtualIPs = virtualAddresses(service, &draft)
        let after = service.endpoint.virtualIPs ?? []
        draft.rest(before.filter { !after.contains($0) }.map { ($0.networkID, $0.address) })
        draft.put(service)
        // What was given up is released now, not when the service is looked at the next time.
        book.sync(service: service, id: serviceID, at: draft.monotonic)
    }

    private mutating func virtualAddresses(_ service: Service, _ draft: inout Draft) -> [ServiceEndpoint.VirtualIP]? {
        guard service.spec.isVirtual else { return nil }
        let held = service.endpoint.virtualIPs ?? []
        var addresses: [ServiceEndpoint.VirtualIP] = []
        for config in service.spec.attachedNetworks {
            guard let network = draft.snapshot.get(Network.self, config.target), let subnet = network.subnet else {
                draft.wake(service.id, at: draft.now + Self.retryDelay)
                continue
            }
            if let kept = held.first(where: { $0.networkID == network.id }) {
                addresses.append(kept)
            } else if let address = try? book.allocate(network.id, for: .service(service.id), at: draft.monotonic) {
                addresses.append(.init(networkID: network.id, address: "\(address)/\(subnet.length)"))
            } else {
                draft.wake(service.id, at: draft.now + Self.retryDelay)
            }
        }
        return addresses.isEmpty ? nil : addresses
    }

    // MARK: Tasks

    /// Takes tasks from `new` to `pending`, or says on them why that is not possible.
    mutating func planTasks(_ draft: inout Draft) {
        for task in draft.snapshot.waitingTasks where task.status.state == .new && task.desiredState <= .running {
            guard let service = draft.snapshot.get(Service.self, task.serviceID) else { continue }
            var task = task
            do throws(AllocationProblem) {
                try allocate(&task, service, &draft)
                task.status.state = .pending
                task.status.timestamp = draft.now
                task.status.message = "pending task scheduling"
                task.status.error = nil
            } catch {
                task.status.error = error.reason
                draft.wake(service.id, at: draft.now + Self.retryDelay)
            }
            draft.put(task)
        }
    }

    struct AllocationProblem: Error {
        let reason: String
    }

    private mutating func allocate(
        _ task: inout ClusterTask, _ service: Service, _ draft: inout Draft
    ) throws(AllocationProblem) {
        let wantsPorts = !(service.spec.endpointSpec?.ports ?? []).isEmpty
        if wantsPorts, service.endpoint.ports == nil {
            throw AllocationProblem(
                reason: "published ports of service \(task.serviceName) are in use by another service")
        }
        task.ports = service.endpoint.ports
        var attachments = task.networksAttachments ?? []
        for config in task.spec.networks ?? [] {
            try attach(&task, config.target, aliases: config.aliases, &attachments, &draft)
        }
        if service.publishesThroughIngress {
            guard let ingress = draft.snapshot.all(Network.self).first(where: { $0.ingress }) else {
                throw AllocationProblem(reason: "no ingress network")
            }
            try attach(&task, ingress.id, aliases: nil, &attachments, &draft)
        }
        task.networksAttachments = attachments.isEmpty ? nil : attachments
    }

    private mutating func attach(
        _ task: inout ClusterTask, _ networkID: String, aliases: [String]?, _ attachments: inout [NetworkAttachment],
        _ draft: inout Draft
    ) throws(AllocationProblem) {
        guard !attachments.contains(where: { $0.network.id == networkID }) else { return }
        guard let network = draft.snapshot.get(Network.self, networkID) else {
            throw AllocationProblem(reason: "network \(networkID) not found")
        }
        guard let subnet = network.subnet, network.vni != nil else {
            throw AllocationProblem(
                reason: "network \(network.networkName) has no subnet: the cluster's address pools are exhausted")
        }
        let address: IPv4Address
        do {
            address = try book.allocate(networkID, for: .task(task.id, ofService: task.serviceID), at: draft.monotonic)
        } catch {
            // What it got so far stays on the task: it is held, and the rest is tried again.
            task.networksAttachments = attachments.isEmpty ? nil : attachments
            throw AllocationProblem(reason: "network \(network.networkName): \(error.message)")
        }
        attachments.append(
            NetworkAttachment(
                network: .init(id: network.id, name: network.networkName), addresses: ["\(address)/\(subnet.length)"],
                aliases: aliases))
    }
}

extension Service {
    var publishesThroughIngress: Bool {
        (spec.endpointSpec?.ports ?? []).contains { ($0.publishMode ?? .ingress) == .ingress }
    }
}
