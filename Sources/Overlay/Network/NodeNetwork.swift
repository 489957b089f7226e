public import Model
import Platform

/// A node's part of the cluster's networks: takes what the managers say and makes the kernel hold it.
///
/// All kernel work is done on one thread of its own, one call after the other. Nothing is remembered on disk: a process that
/// starts anew finds namespaces and interfaces by their names, compares and goes on.
public actor NodeNetwork {
    public nonisolated let configuration: NodeNetworkConfiguration
    private nonisolated let loop: EventLoop
    let log = Logger("overlay")
    let metrics = NetworkMetrics()

    /// The last state that was applied.
    var state: NetworkState?
    /// Segments as they were last made, by network id.
    var segments: [String: Segment.Desire] = [:]
    /// Sandboxes attached since this process started, by task id.
    var sandboxes: [String: AttachedSandbox] = [:]
    /// Addresses on the gateway bridge by task id, also of sandboxes that only an earlier process attached.
    var gatewayAddresses: [String: IPv4Address] = [:]
    var gateway: GatewayBridge?
    var gatewayAllocator: AddressAllocator?
    var hostRules: HostRules?
    var reservations = PortReservations()
    var mtu: UInt32 = 1500 - Underlay.overhead
    /// What the last reconciliation could not do: said once, not every time.
    var problems: [String] = []
    private var isRepairScheduled = false

    /// A sandbox as this process made or found it.
    struct AttachedSandbox: Sendable {
        var legs: [Attachment]
        var hasGateway: Bool
        /// Made by this process, so that nothing can have been translated in it before.
        var isNew = false
        var rules: SandboxRules?
        var resolver: FilterTable?

        struct Attachment: Sendable, Equatable {
            var networkID: String
            var address: IPv4Prefix
        }
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Starts the thread; the kernel is first touched by the first call.
    public init(_ configuration: NodeNetworkConfiguration) throws {
        self.configuration = configuration
        loop = try EventLoop(name: "overlay")
    }

    deinit { loop.stop() }

    // MARK: State

    /// Makes the kernel hold this state. One that is older than the last applied is ignored.
    ///
    /// One network's failure does not keep the others from being done: the report says what could not be.
    @discardableResult
    public func apply(_ state: NetworkState) throws -> NetworkReport {
        if let current = self.state, state.revision < current.revision { return NetworkReport() }
        self.state = state
        scheduleRepair()
        return try reconcile(state, isRepair: false)
    }

    /// Looks whether the kernel still holds what was applied, and mends what does not.
    @discardableResult
    public func repair() throws -> NetworkReport {
        var report = NetworkReport()
        if let state { report.add(try reconcile(state, isRepair: true)) }
        return report
    }

    private func scheduleRepair() {
        guard let interval = configuration.repairInterval, !isRepairScheduled else { return }
        isRepairScheduled = true
        loop.schedule(after: interval) { [weak self] in
            self?.assumeIsolated { network in
                network.isRepairScheduled = false
                do {
                    let report = try network.repair()
                    if report.repaired > 0 {
                        network.log.warning("mended the node's network", ["objects": report.repaired])
                    }
                } catch {
                    network.log.error("the node's network cannot be looked after", ["reason": "\(error)"])
                }
                if network.state != nil { network.scheduleRepair() }
            }
        }
    }

    // MARK: Sandboxes

    /// Makes a task's sandbox, or finds the one that is there and mends it. May be called again with other attachments.
    ///
    /// - Parameter attachments: the task's place on each network, addresses with prefix length. The networks must be part
    ///   of the applied state, or have been made by an earlier process.
    public func attachSandbox(
        _ taskID: String, attachments: [NetworkAttachment]
    ) throws -> SandboxHandle {
        try open()
        guard NodeNetworkConfiguration.isSafeName(taskID) else {
            throw OverlayError(.invalidAttachment, "task id \"\(taskID)\" is not fit to be a file's name")
        }
        let legs = try attachments.map(Self.attachment)
        let isInternal = !legs.isEmpty && legs.allSatisfy { leg in network(leg.networkID)?.isInternal ?? false }
        var sandbox = sandboxes[taskID] ?? AttachedSandbox(legs: legs, hasGateway: !isInternal)
        sandbox.legs = legs
        sandbox.hasGateway = !isInternal
        sandbox.isNew = try Phase.sandbox.measure { try makeLegs(taskID, sandbox).isNew }
        sandboxes[taskID] = sandbox
        metrics.record(sandboxes: sandboxes.count)
        try updateRules(of: taskID, isRepair: true)
        // A task that publishes ports may be reached here now.
        if state != nil { try reconcileHost(isRepair: false) }
        return SandboxHandle(
            taskID: taskID, path: configuration.sandboxNamespace(taskID).path,
            addresses: Dictionary(legs.map { ($0.networkID, $0.address) }) { first, _ in first },
            gatewayAddress: isInternal ? nil : gatewayAddresses[taskID],
            gateway: isInternal ? nil : gateway?.address.address)
    }

    /// Leads a sandbox's DNS queries to the ports where its resolver listens, on 127.0.0.11 inside the sandbox.
    public func setResolver(_ taskID: String, udpPort: UInt16, tcpPort: UInt16) throws {
        guard sandboxes[taskID] != nil else {
            throw OverlayError(.unknownSandbox, "no sandbox of task \(taskID) on this node")
        }
        let table = SandboxRules.resolverTable(udp: udpPort, tcp: tcpPort)
        _ = try sandbox(taskID).ensure(table)
        sandboxes[taskID]?.resolver = table
    }

    /// Takes a task's sandbox away; content where there is none.
    ///
    /// Its interfaces go with the namespace, in the kernel's own time; where a process keeps the namespace alive, the next
    /// `repair` or `sweep` cuts them off.
    public func detachSandbox(_ taskID: String) throws {
        try open()
        guard NodeNetworkConfiguration.isSafeName(taskID) else { return }
        try sandbox(taskID).namespace.remove()
        let known = sandboxes.removeValue(forKey: taskID)
        metrics.record(sandboxes: sandboxes.count)
        for leg in known?.legs ?? [] {
            segments[leg.networkID]?.ports[NodeNetworkConfiguration.overlayPort(taskID)] = nil
        }
        if let address = gatewayAddresses.removeValue(forKey: taskID) {
            gatewayAllocator?.release(address, at: .now)
        }
        guard let state else { return }
        try reconcileHost(isRepair: false)
        // The managers may have taken the network back while this sandbox still held it.
        if known?.legs.allSatisfy({ network($0.networkID) != nil }) != true { try removeOrphans(state) }
    }

    /// Takes away every sandbox that is not of one of these tasks, and every interface without a sandbox.
    @discardableResult
    public func sweep(keeping tasks: Set<String>) throws -> NetworkReport {
        try open()
        var report = NetworkReport()
        for taskID in try configuration.pinned().tasks where !tasks.contains(taskID) {
            try detachSandbox(taskID)
            report.removed += 1
        }
        report.removed += try removeStrayPorts()
        return report
    }

    /// Deletes the bridge ports of sandboxes that are no more. Returns how many.
    func removeStrayPorts() throws -> Int {
        let kept = try configuration.pinned()
        let overlayPorts = Set(kept.tasks.map(NodeNetworkConfiguration.overlayPort))
        var count = 0
        for networkID in kept.networks { count += try segment(networkID).removePorts(except: overlayPorts) }
        let gatewayPorts = Set(kept.tasks.map(NodeNetworkConfiguration.gatewayPort))
        let bridge = configuration.gatewayBridge
        return try count
            + configuration.host.run { try GatewayBridge.removePorts(of: bridge, except: gatewayPorts) }
    }

    /// Takes everything of this node away, for one that leaves the cluster.
    public func removeAll() throws {
        let pinned = try configuration.pinned()
        for taskID in pinned.tasks { try detachSandbox(taskID) }
        for networkID in pinned.networks { try segment(networkID).remove() }
        _ = try reservations.reserve([], in: configuration.host)
        let configuration = configuration
        try configuration.host.run {
            try GatewayBridge.removeInterfaces([configuration.ingressLeg, configuration.gatewayBridge])
            let filter = try PacketFilter()
            try filter.remove(configuration.hostTable)
            let admissions = Set(
                [configuration.gatewayBridge, configuration.ingressLeg].flatMap {
                    ["martlet: from \($0)", "martlet: to \($0)"]
                })
            for chain in try filter.chainsThatDropForwarded() {
                try filter.removeRules(commented: admissions, from: chain)
            }
        }
        (state, gateway, gatewayAllocator, hostRules) = (nil, nil, nil, nil)
        (segments, sandboxes, gatewayAddresses) = ([:], [:], [:])
    }

    /// Lets go of the published ports' sockets, so that the next process can take them; the rules stay.
    public func releasePorts() throws {
        _ = try reservations.reserve([], in: configuration.host)
    }

    /// The namespace files of the sandboxes there are, by task id, whoever attached them.
    public func sandboxPaths() throws -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: try configuration.pinned().tasks.map {
                ($0, configuration.sandboxNamespace($0).path)
            })
    }

    // MARK: Parts

    func sandbox(_ taskID: String) -> Sandbox {
        Sandbox(taskID: taskID, namespace: configuration.sandboxNamespace(taskID), host: configuration.host)
    }

    func segment(_ networkID: String) -> Segment {
        Segment(namespace: configuration.networkNamespace(networkID), host: configuration.host)
    }

    func network(_ id: String) -> OverlayNetwork? { state?.networks.first { $0.id == id } }

    private static func attachment(_ given: NetworkAttachment) throws -> AttachedSandbox.Attachment {
        guard NodeNetworkConfiguration.isSafeName(given.network.id) else {
            throw OverlayError(.invalidAttachment, "network id \"\(given.network.id)\" is not fit to be a file's name")
        }
        guard let text = given.addresses.first, let address = IPv4Prefix(text) else {
            throw OverlayError(
                .invalidAttachment,
                "attachment to network \(given.network.spec.name) has no IPv4 address with prefix length: "
                    + given.addresses.joined(separator: ", "))
        }
        return AttachedSandbox.Attachment(networkID: given.network.id, address: address)
    }
}

extension Duration {
    /// A reading of the monotonic clock.
    static var now: Duration { ContinuousClock.now.durationSinceBoot }
}

extension ContinuousClock.Instant {
    private static let start = ContinuousClock.now

    /// Time since this process first asked.
    fileprivate var durationSinceBoot: Duration { Self.start.duration(to: self) }
}
