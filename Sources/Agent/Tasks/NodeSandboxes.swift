public import Discovery
public import Model
public import Overlay
import Platform

/// The node's real networks for its tasks: sandboxes and service addresses by `Overlay`, names by the resolver process.
public actor NodeSandboxes: TaskNetworking {
    private let network: NodeNetwork
    private let resolver: ResolverClient
    private let log = Logger("agent.network")

    /// - Parameter resolver: one whose process runs, or is started when it is asked.
    public init(network: NodeNetwork, resolver: ResolverClient) {
        self.network = network
        self.resolver = resolver
    }

    /// Makes kernel and resolver hold the state.
    public func apply(_ state: NetworkState) async throws {
        try await network.apply(state)
        try await resolver.setNames(NameState(state))
    }

    /// Makes or finds the task's sandbox; one on the host's own network has none.
    public func attach(_ task: ClusterTask) async throws -> ContainerNetwork {
        let attachments = task.networksAttachments ?? []
        if attachments.contains(where: { $0.network.spec.name == "host" }) {
            return ContainerNetwork(
                namespacePath: nil, hosts: (try? Files.readText("/etc/hosts", limit: 1 << 20)) ?? "",
                resolverConfiguration: (try? Files.readText("/etc/resolv.conf", limit: 1 << 20)) ?? "")
        }
        let handle = try await network.attachSandbox(task.id, attachments: attachments)
        let registration = SandboxRegistration(
            id: task.id, namespacePath: handle.path, networkIDs: attachments.map(\.network.id))
        let ports = try await Phase.name.measure { try await resolver.addSandbox(registration) }
        try await network.setResolver(task.id, udpPort: ports.udp, tcpPort: ports.tcp)
        return ContainerNetwork(
            namespacePath: handle.path, hosts: Self.hosts(task, handle),
            resolverConfiguration: Self.resolverConfiguration(task.spec.containerSpec?.dnsConfig))
    }

    /// Takes the task's sandbox and its names away.
    public func detach(_ taskID: String) async throws {
        // The resolver's sockets hold the namespace: they go first.
        try await resolver.removeSandbox(id: taskID)
        try await network.detachSandbox(taskID)
    }

    /// Takes the sandboxes of all other tasks away.
    public func sweep(keeping taskIDs: Set<String>) async throws {
        for sandbox in try await resolver.sandboxes() where !taskIDs.contains(sandbox.registration.id) {
            try await resolver.removeSandbox(id: sandbox.registration.id)
        }
        let report = try await network.sweep(keeping: taskIDs)
        if report.removed > 0 { log.warning("removed what no task uses", ["objects": report.removed]) }
    }

    /// `localhost`, and the container's own name for each of its addresses.
    static func hosts(_ task: ClusterTask, _ handle: SandboxHandle) -> String {
        let name = task.spec.containerSpec?.hostname ?? String(Worker.containerID(task.id).prefix(12))
        var lines = [
            "127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::0\tip6-localnet",
            "ff00::0\tip6-mcastprefix", "ff02::1\tip6-allnodes", "ff02::2\tip6-allrouters",
        ]
        for attachment in task.networksAttachments ?? [] {
            if let address = handle.addresses[attachment.network.id] { lines.append("\(address.address)\t\(name)") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    static func resolverConfiguration(_ settings: DNSConfig?) -> String {
        var lines: [String] = []
        if let search = settings?.search, !search.isEmpty { lines.append("search " + search.joined(separator: " ")) }
        lines.append("nameserver 127.0.0.11")
        let options = (settings?.options ?? []) + ["ndots:0"]
        lines.append("options " + options.joined(separator: " "))
        return lines.joined(separator: "\n") + "\n"
    }
}
