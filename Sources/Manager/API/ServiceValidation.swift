internal import HTTP
internal import Model
internal import Scheduler
internal import Store

/// Whether a service can be what its spec says; with Docker's words where users know them.
struct ServiceValidation: Sendable {
    private let view: AccessView
    private var snapshot: Snapshot { view.snapshot }

    enum Limits {
        static let nameBytes = 63
        static let replicas: UInt64 = 100_000
        static let ports = 256
        static let networks = 32
    }

    init(_ view: AccessView) { self.view = view }

    /// The spec with networks named by their ids, and a mode.
    ///
    /// - Throws: `HTTPError` 4xx or 501 that names the field.
    func checked(_ given: ServiceSpec, serviceID: String) throws -> ServiceSpec {
        var spec = given
        try Self.checkName(spec.name)
        try Self.checkMode(spec.mode)
        // Clients that wait for a service's tasks look for their number in its spec.
        if spec.mode?.global == nil, spec.mode?.replicated?.replicas == nil { spec.mode = .replicated(1) }
        guard let container = spec.taskTemplate.containerSpec else {
            throw Self.invalid("ContainerSpec: missing in TaskTemplate: only services of containers are supported")
        }
        guard !container.image.isEmpty else { throw Self.invalid("ContainerSpec: image reference must be provided") }
        try Self.checkContainer(container)
        try FileReferenceValidation(snapshot).check(container)
        try Self.checkTask(spec.taskTemplate)
        try Self.checkUpdate(spec.updateConfig, "UpdateConfig")
        try Self.checkUpdate(spec.rollbackConfig, "RollbackConfig")
        if spec.taskTemplate.networks != nil { spec.networks = nil }
        spec.taskTemplate.networks = try spec.taskTemplate.networks.map(resolve)
        spec.networks = try spec.networks.map(resolve)
        try checkPorts(spec, serviceID)
        return spec
    }

    static func invalid(_ text: String) -> HTTPError {
        HTTPError(.badRequest, "rpc error: code = InvalidArgument desc = \(text)")
    }

    static func unsupported(_ what: String) -> HTTPError {
        HTTPError(.notImplemented, "\(what) is not supported: leave it out")
    }

    /// Letters and digits, `-` and `_` between them (a name is a DNS label too).
    static func checkName(_ name: String?) throws {
        let bytes = Array((name ?? "").utf8)
        guard !bytes.isEmpty else { throw invalid("meta: name must be provided") }
        guard bytes.count <= Limits.nameBytes else { throw invalid("name must be 63 characters or fewer") }
        let isAlphanumeric = { (byte: UInt8) in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        guard bytes.first.map(isAlphanumeric) == true, bytes.last.map(isAlphanumeric) == true,
            bytes.allSatisfy({ isAlphanumeric($0) || $0 == 45 || $0 == 95 })
        else { throw invalid("name must be valid as a DNS name component") }
    }

    private static func checkMode(_ mode: ServiceMode?) throws {
        guard let mode else { return }
        if mode.replicatedJob != nil || mode.globalJob != nil {
            throw unsupported("a job mode (replicated-job, global-job)")
        }
        guard mode.replicated == nil || mode.global == nil else {
            throw HTTPError(.badRequest, "must specify either replicated mode or global mode")
        }
        guard (mode.replicated?.replicas ?? 0) <= Limits.replicas else {
            throw invalid("replicas must be at most \(Limits.replicas)")
        }
    }

    private static func checkContainer(_ container: ContainerSpec) throws {
        if let test = container.healthcheck?.test, !test.isEmpty, test != ["NONE"] {
            throw unsupported("ContainerSpec.Healthcheck")
        }
        if container.initProcess == true { throw unsupported("ContainerSpec.Init") }
        if container.openStdin == true { throw unsupported("ContainerSpec.OpenStdin") }
        if container.dnsConfig?.nameservers?.isEmpty == false {
            throw unsupported("ContainerSpec.DNSConfig.Nameservers")
        }
        for mount in container.mounts ?? [] {
            switch mount.type ?? .volume {
            case .bind:
                guard let source = mount.source, source.hasPrefix("/") else {
                    throw HTTPError(
                        .badRequest, "invalid mount config for type \"bind\": source must be an absolute path")
                }
            case .tmpfs: break
            case .volume, .npipe, .cluster, .image:
                throw unsupported("a mount of type \(mount.type?.rawValue ?? "volume") (bind and tmpfs are)")
            }
            guard mount.target.hasPrefix("/") else {
                throw HTTPError(.badRequest, "invalid mount target '\(mount.target)': must be an absolute path")
            }
        }
        if let grace = container.stopGracePeriod, grace < 0 { throw invalid("StopGracePeriod: cannot be negative") }
    }

    private static func checkTask(_ task: TaskSpec) throws {
        for resources in [task.resources?.limits, task.resources?.reservations] {
            if let cpus = resources?.nanoCPUs, cpus != 0, cpus < 1_000_000 {
                throw invalid("invalid cpu value \(cpus): Must be at least 1000000")
            }
            if let memory = resources?.memoryBytes, memory != 0, memory < 4 << 20 {
                throw invalid("invalid memory value \(memory): Must be at least 4MiB")
            }
            if let pids = resources?.pids, pids < 0 { throw invalid("invalid pids limit \(pids)") }
        }
        if let policy = task.restartPolicy {
            if let delay = policy.delay, delay < 0 { throw invalid("TaskSpec: restart-delay cannot be negative") }
            if let window = policy.window, window < 0 { throw invalid("TaskSpec: restart-window cannot be negative") }
        }
        if let driver = task.logDriver?.name, !driver.isEmpty, driver != "json-file" {
            throw unsupported("the log driver '\(driver)' (json-file is)")
        }
        if task.logDriver?.options?.isEmpty == false { throw unsupported("TaskTemplate.LogDriver.Options") }
        if let runtime = task.runtime, !runtime.isEmpty, runtime != "container" {
            throw unsupported("the task runtime '\(runtime)'")
        }
        do {
            for text in task.placement?.constraints ?? [] { _ = try Constraint(text) }
        } catch {
            throw invalid("\(error)")
        }
    }

    private static func checkUpdate(_ config: UpdateConfig?, _ field: String) throws {
        guard let config else { return }
        if let delay = config.delay, delay < 0 { throw invalid("\(field): update-delay cannot be negative") }
        if let monitor = config.monitor, monitor < 0 { throw invalid("\(field): update-monitor cannot be negative") }
        if let ratio = config.maxFailureRatio, !(0...1).contains(ratio) {
            throw invalid("\(field): update-maxfailureratio cannot be less than 0 or bigger than 1")
        }
        if let action = config.failureAction, !["", "pause", "continue", "rollback"].contains(action) {
            throw HTTPError(.badRequest, "unrecognized update failure action \(action)")
        }
        if let order = config.order, !["", "stop-first", "start-first"].contains(order) {
            throw HTTPError(.badRequest, "unrecognized update order \(order)")
        }
    }

    private func resolve(_ networks: [NetworkAttachmentConfig]) throws -> [NetworkAttachmentConfig] {
        guard networks.count <= Limits.networks else {
            throw Self.invalid("at most \(Limits.networks) networks a service")
        }
        var seen: Set<String> = []
        return try networks.map { config in
            if config.target == "host" || config.target == "none" {
                throw Self.unsupported("the predefined network '\(config.target)' for a service")
            }
            if config.driverOpts?.isEmpty == false { throw Self.unsupported("Networks.DriverOpts") }
            let network = try snapshot.find(Network.self, config.target, kind: "network")
            guard !network.ingress else {
                throw Self.invalid("Service cannot be explicitly attached to the ingress network \"ingress\"")
            }
            guard seen.insert(network.id).inserted else {
                throw Self.invalid("network \(network.networkName) is given twice")
            }
            var config = config
            config.target = network.id
            return config
        }
    }

    private func checkPorts(_ spec: ServiceSpec, _ serviceID: String) throws {
        let ports = spec.endpointSpec?.ports ?? []
        guard ports.count <= Limits.ports else {
            throw Self.invalid("at most \(Limits.ports) published ports a service")
        }
        let isDNSRoundRobin = spec.endpointSpec?.mode == .dnsrr
        if isDNSRoundRobin, ports.contains(where: { $0.publishMode != .host }) {
            throw Self.invalid("EndpointSpec: port published with ingress mode can't be used with dnsrr mode")
        }
        let taken = PublishedPorts(
            snapshot.all(Service.self).filter { $0.id != serviceID }, includingWanted: true)
        var seen: Set<PortConfig> = []
        for port in ports {
            guard (1...65535).contains(port.targetPort), (port.publishedPort ?? 0) <= 65535 else {
                throw Self.invalid("EndpointSpec: port \(port.targetPort) is not in 1 to 65535")
            }
            if port.transport == .sctp { throw Self.unsupported("publishing SCTP ports") }
            let key = PortConfig(
                transport: port.transport ?? .tcp, targetPort: 0, publishedPort: port.publishedPort, publishMode: nil)
            if let number = port.publishedPort, number != 0, !seen.insert(key).inserted {
                throw Self.invalid("EndpointSpec: duplicate published ports provided")
            }
            if let holder = taken.conflict(of: port, for: serviceID) {
                let service = snapshot.get(Service.self, holder.serviceID).flatMap { view.shows($0) ? $0 : nil }
                let name = service.map { "service '\($0.spec.name ?? "")' (\($0.id))" } ?? "another service"
                throw Self.invalid(
                    "port '\(port.publishedPort ?? 0)' is already in use by \(name) as "
                        + (holder.mode == .ingress ? "an ingress port" : "a host-published port"))
            }
        }
    }
}
