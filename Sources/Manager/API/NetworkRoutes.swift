internal import HTTP
internal import Model
internal import Platform
internal import Store

/// Engine API `/networks`: the cluster's overlay networks.
struct NetworkRoutes: Sendable {
    let api: ClusterAPI

    private struct Request: Codable, Sendable {
        let name: String
        let driver: String?
        let scope: String?
        let isInternal: Bool?
        let attachable: Bool?
        let ingress: Bool?
        let enableIPv6: Bool?
        let configOnly: Bool?
        let ipam: IPAMConfiguration?
        let options: [String: String]?
        let labels: [String: String]?

        enum CodingKeys: String, CodingKey {
            case name = "Name"
            case driver = "Driver"
            case scope = "Scope"
            case isInternal = "Internal"
            case attachable = "Attachable"
            case ingress = "Ingress"
            case enableIPv6 = "EnableIPv6"
            case configOnly = "ConfigOnly"
            case ipam = "IPAM"
            case options = "Options"
            case labels = "Labels"
        }
    }

    private struct Created: Encodable {
        let id: String
        let warning = ""

        enum CodingKeys: String, CodingKey {
            case id = "Id"
            case warning = "Warning"
        }
    }

    /// What clients say and what is so anyway: names are unique, addresses are IPv4.
    private static let heededByBeingSo: Set<String> = ["CheckDuplicate", "EnableIPv4"]

    func register(in router: inout Router) {
        router.get("/networks") { try .json(list($0)) }
        router.post("/networks/create") { request in
            let wish = try await api.decode(Request.self, request, besides: Self.heededByBeingSo)
            let id = try await create(wish, for: request)
            return try .json(Created(id: id), status: .created)
        }
        router.get("/networks/{id}") { request in
            let network = try api.view(for: request).find(Network.self, try request.capture("id"))
            if let scope = request.query["scope"], !scope.isEmpty, scope != "swarm" {
                throw HTTPError(.notFound, "network \(network.networkName) not found in scope \(scope)")
            }
            return try .json(NetworkDetail(network))
        }
        router.delete("/networks/{id}") { request in
            try await remove(request)
            return HTTPResponse(.noContent)
        }
    }

    private func list(_ request: HTTPRequest) throws -> [NetworkDetail] {
        let filters = try QueryFilters(request, known: ["id", "name", "driver", "scope", "label", "type", "dangling"])
        let view = try api.view(for: request)
        let snapshot = view.snapshot
        return view.all(Network.self).filter { network in
            filters.allowID(network.id)
                && filters.allow("name") { network.networkName.contains($0) }
                && filters.allow("driver") { network.driver == $0 }
                && filters.allow("scope") { network.scope == $0 }
                && filters.matchLabels(network.labels)
                && filters.allow("type") { ($0 == "custom") != network.ingress }
                && filters.allow("dangling") { ($0 == "true") == Self.users(of: network, snapshot).isEmpty }
        }.map(NetworkDetail.init)
    }

    private func create(_ request: Request, for call: HTTPRequest) async throws -> String {
        try ServiceValidation.checkName(request.name)
        let driver = request.driver ?? "overlay"
        guard driver == "overlay" || driver.isEmpty else {
            throw ServiceValidation.unsupported("the network driver '\(driver)' (overlay is)")
        }
        if ["host", "none", "bridge"].contains(request.name) {
            throw HTTPError(.forbidden, "operation is not permitted on predefined \(request.name) network")
        }
        if let scope = request.scope, !scope.isEmpty, scope != "swarm" {
            throw HTTPError(.badRequest, "an overlay network's scope is swarm, not \(scope)")
        }
        if request.ingress == true {
            throw HTTPError(.conflict, "ingress network (ingress) is already present")
        }
        if request.enableIPv6 == true { throw ServiceValidation.unsupported("EnableIPv6") }
        if request.configOnly == true { throw ServiceValidation.unsupported("ConfigOnly") }
        try Self.checkOptions(request.options ?? [:])
        let id = Identifier.random()
        try await api.update { transaction in
            try AccessView(transaction.snapshot, for: call).check(.write, .network, with: request.labels)
            if let taken = transaction.snapshot.named(Network.self, request.name).first {
                throw HTTPError(.conflict, "network with name \(taken.networkName) already exists")
            }
            let ipam = try Self.checked(request.ipam, transaction.snapshot)
            try transaction.put(
                Network(
                    id: id, createdAt: transaction.now, name: request.name, ipam: ipam,
                    isInternal: request.isInternal ?? false, attachable: request.attachable ?? false,
                    options: request.options ?? [:], labels: request.labels ?? [:]))
        }
        return id
    }

    private static func checkOptions(_ options: [String: String]) throws {
        if let encrypted = options["encrypted"], encrypted != "false" {
            throw ServiceValidation.unsupported("the network option 'encrypted'")
        }
        if let mtu = options["com.docker.network.driver.mtu"], UInt32(mtu).map({ (68...65535).contains($0) }) != true {
            throw HTTPError(.badRequest, "invalid value for com.docker.network.driver.mtu: \(mtu)")
        }
    }

    /// One IPv4 subnet at most, in nobody's way.
    private static func checked(_ ipam: IPAMConfiguration?, _ snapshot: Snapshot) throws -> IPAMConfiguration {
        var ipam = ipam ?? IPAMConfiguration()
        if let driver = ipam.driver, !driver.isEmpty, driver != "default" {
            throw ServiceValidation.unsupported("the IPAM driver '\(driver)'")
        }
        ipam.driver = "default"
        let pools = (ipam.config ?? []).filter { $0.subnet?.isEmpty == false }
        ipam.config = pools.isEmpty ? nil : pools
        guard let pool = pools.first, let text = pool.subnet else { return ipam }
        guard pools.count == 1 else { throw ServiceValidation.unsupported("more than one subnet a network") }
        guard let subnet = IPv4Prefix(text), subnet.address == subnet.first, (8...29).contains(subnet.length) else {
            throw HTTPError(
                .badRequest, "invalid subnet \(text): an IPv4 network address with a length of 8 to 29 is wanted")
        }
        if let gateway = pool.gateway, !gateway.isEmpty {
            guard let address = IPv4Address(gateway), subnet.contains(address), address != subnet.first,
                address != subnet.last
            else { throw HTTPError(.badRequest, "no matching subnet for gateway \(gateway)") }
        } else {
            ipam.config = [.init(subnet: text, gateway: subnet[offset: 1].map { "\($0)" })]
        }
        if pool.ipRange?.isEmpty == false { throw ServiceValidation.unsupported("an IP range in a subnet") }
        for other in snapshot.all(Network.self) {
            guard let taken = other.ipam.config?.first?.subnet.flatMap({ IPv4Prefix($0) }), taken.overlaps(subnet)
            else {
                continue
            }
            throw HTTPError(
                .forbidden,
                "Pool overlaps with other one on this address space: \(taken) of network \(other.networkName)")
        }
        return ipam
    }

    private func remove(_ request: HTTPRequest) async throws {
        let reference = try request.capture("id")
        try await api.update { transaction in
            let view = try AccessView(transaction.snapshot, for: request)
            let network = try view.find(Network.self, reference, for: .write)
            guard !network.ingress else {
                throw HTTPError(.forbidden, "the ingress network carries published ports and cannot be removed")
            }
            if let user = Self.users(of: network, transaction.snapshot).first {
                let word = view.isWhole ? user : "a service"
                throw HTTPError(
                    .conflict,
                    "rpc error: code = FailedPrecondition desc = network \(network.id) is in use by \(word)")
            }
            transaction.delete(Network.self, network.id)
        }
    }

    /// The services that ask for it, and tasks that are still on it.
    private static func users(of network: Network, _ snapshot: Snapshot) -> [String] {
        let services = snapshot.all(Service.self).filter { service in
            service.spec.attachedNetworks.contains { $0.target == network.id }
        }
        if !services.isEmpty { return services.map { "service \($0.spec.name ?? $0.id)" } }
        return snapshot.all(ClusterTask.self).filter { task in
            !task.status.state.isTerminal
                && (task.networksAttachments ?? []).contains { $0.network.id == network.id }
        }.map { "task \($0.id)" }
    }
}

/// A network as `/networks` shows it.
private struct NetworkDetail: Encodable {
    let network: Network

    init(_ network: Network) { self.network = network }

    private enum Key: String, CodingKey {
        case containers = "Containers"
        case configFrom = "ConfigFrom"
        case configOnly = "ConfigOnly"
        case peers = "Peers"
        case options = "Options"
    }

    func encode(to encoder: any Encoder) throws {
        try network.encode(to: encoder)
        var container = encoder.container(keyedBy: Key.self)
        try container.encode([String: String](), forKey: .containers)
        try container.encode(["Network": ""], forKey: .configFrom)
        try container.encode(false, forKey: .configOnly)
        var options = network.options
        if let vni = network.vni { options["com.docker.network.driver.overlay.vxlanid_list"] = "\(vni)" }
        try container.encode(options, forKey: .options)
    }
}
