import Model

extension ServiceSpec {
    /// The options that `spec(from:)` reads.
    static let options: [Syntax.Option] =
        [
            .value("replicas", "N", "how many tasks (default 1, or as many as it has)"),
            .flag("global", "one task on every node"),
            .repeated("network", "NETWORK", "a network to be on: NAME, or name=NAME,alias=ALIAS"),
            .repeated("publish", short: "p", "PORTS", "8080:80[/udp], or mode=host,target=80,published=8080"),
            .value("endpoint-mode", "WORD", "vip, or dnsrr (names lead to the tasks themselves)"),
            .repeated("env", short: "e", "KEY=VALUE", "an environment variable"),
            .repeated("label", short: "l", "KEY=VALUE", "a label of the service"),
            .repeated("container-label", "KEY=VALUE", "a label of its containers"),
            .repeated("constraint", "EXPR", "where tasks may run: node.role==worker, node.labels.disk!=hdd"),
            .value("max-replicas-per-node", "N", "the most tasks on one node"),
            .repeated("spread", "FIELD", "spread evenly over values: node.labels.zone"),
            .value("limit-cpu", "CPUS", "the most processor time: 0.5"),
            .value("limit-memory", "BYTES", "the most memory: 512M"),
            .value("limit-pids", "N", "the most processes"),
            .value("reserve-cpu", "CPUS", "processor time to keep for a task"),
            .value("reserve-memory", "BYTES", "memory to keep for a task"),
            .value("restart-condition", "WORD", "none, on-failure or any (default any)"),
            .value("restart-delay", "DURATION", "between an end and the next start (default 5s)"),
            .value("restart-max-attempts", "N", "give up after so many restarts"),
            .value("restart-window", "DURATION", "in which those restarts are counted"),
            .value("update-parallelism", "N", "tasks replaced at once, 0 for all (default 1)"),
            .value("update-delay", "DURATION", "between batches of an update"),
            .value("update-order", "WORD", "stop-first or start-first (default stop-first)"),
            .value("update-failure-action", "WORD", "pause, continue or rollback (default pause)"),
            .value("update-monitor", "DURATION", "how long a new task is watched (default 5s)"),
            .repeated("mount", "MOUNT", "/HOST:/CONTAINER[:ro], or type=tmpfs,target=/t,tmpfs-size=64M"),
            .value("hostname", "NAME", "the containers' host name"),
            .value("user", short: "u", "USER[:GROUP]", "whom to run as"),
            .value("workdir", short: "w", "PATH", "where to run"),
            .value("entrypoint", "COMMAND", "instead of the image's; words are split at spaces"),
            .flag("read-only", "the root file system cannot be written to"),
            .value("stop-signal", "SIGNAL", "what tells it to end (default SIGTERM)"),
            .value("stop-grace-period", "DURATION", "from that signal to SIGKILL (default 10s)"),
            .repeated("host-entry", "NAME:IP", "a line for /etc/hosts"),
            .repeated("cap-add", "NAME", "a capability to add"),
            .repeated("cap-drop", "NAME", "a capability to drop"),
        ] + fileOptions

    /// The service that a command line describes; its secrets and configs by name, until `findFiles`.
    ///
    /// - Parameter previous: what it is now; its number of replicas stays where the command line says none.
    /// - Throws: `UsageError` that names the option.
    static func spec(
        name: String, from arguments: Arguments, previous: ServiceSpec? = nil
    ) throws(UsageError) -> ServiceSpec {
        var task = TaskSpec(containerSpec: try container(arguments))
        task.resources = try resources(arguments)
        task.restartPolicy = try restartPolicy(arguments)
        task.placement = try placement(arguments)
        if arguments.flag("network") {
            var networks: [NetworkAttachmentConfig] = []
            for word in arguments.values("network") { networks.append(try NetworkArgument.parse(word)) }
            task.networks = networks
        }
        var spec = ServiceSpec(name: name, labels: try arguments.pairs("label") ?? [:], taskTemplate: task)
        spec.mode = try mode(arguments, previous: previous?.mode)
        spec.updateConfig = try updateConfig(arguments)
        spec.endpointSpec = try endpoint(arguments)
        return spec
    }

    private static func container(_ arguments: Arguments) throws(UsageError) -> ContainerSpec {
        var container = ContainerSpec(image: arguments.value("image") ?? "")
        container.labels = try arguments.pairs("container-label")
        container.command = arguments.value("entrypoint").map { $0.split(separator: " ").map(String.init) }
        container.args = arguments.trailing.isEmpty ? nil : arguments.trailing
        container.env = arguments.values["env"]
        container.hostname = arguments.value("hostname")
        container.user = arguments.value("user")
        container.dir = arguments.value("workdir")
        container.readOnly = arguments.flag("read-only") ? true : nil
        container.stopSignal = arguments.value("stop-signal")
        container.stopGracePeriod = try arguments.nanoseconds("stop-grace-period")
        container.capabilityAdd = arguments.values["cap-add"]
        container.capabilityDrop = arguments.values["cap-drop"]
        if arguments.flag("mount") {
            var mounts: [Mount] = []
            for word in arguments.values("mount") { mounts.append(try MountArgument.parse(word)) }
            container.mounts = mounts
        }
        for kind in [FileKind.secret, .config] where arguments.flag(kind.rawValue) {
            var references: [FileReference] = []
            for word in arguments.values(kind.rawValue) { references.append(try FileArgument.parse(word, kind)) }
            kind.set(references, in: &container)
        }
        if arguments.flag("host-entry") {
            var hosts: [String] = []
            for word in arguments.values("host-entry") {
                guard let colon = word.firstIndex(of: ":"), colon > word.startIndex else {
                    throw arguments.invalid("host-entry", word, "NAME:IP")
                }
                hosts.append("\(word[word.index(after: colon)...]) \(word[..<colon])")
            }
            container.hosts = hosts
        }
        return container
    }

    private static func mode(_ arguments: Arguments, previous: ServiceMode?) throws(UsageError) -> ServiceMode {
        let replicas = try arguments.integer("replicas", in: 0...1_000_000)
        guard !arguments.flag("global") else {
            guard replicas == nil else { throw arguments.usage("--global and --replicas exclude each other") }
            return .global
        }
        return .replicated(replicas.map { UInt64($0) } ?? previous?.replicated?.replicas ?? 1)
    }

    private static func endpoint(_ arguments: Arguments) throws(UsageError) -> EndpointSpec? {
        let mode = try arguments.choice("endpoint-mode", of: ["vip", "dnsrr"]).flatMap(EndpointSpec.Mode.init)
        var ports: [PortConfig] = []
        for word in arguments.values("publish") { ports += try PortArgument.parse(word) }
        return mode == nil && ports.isEmpty ? nil : EndpointSpec(mode: mode ?? .vip, ports: ports)
    }

    static func resources(_ arguments: Arguments) throws(UsageError) -> ResourceRequirements? {
        let limits = Resources(
            nanoCPUs: try arguments.nanoCPUs("limit-cpu"), memoryBytes: try arguments.bytes("limit-memory"),
            pids: try arguments.integer("limit-pids", in: 0...4_194_304).map { Int64($0) })
        let reservations = Resources(
            nanoCPUs: try arguments.nanoCPUs("reserve-cpu"), memoryBytes: try arguments.bytes("reserve-memory"))
        let empty = Resources()
        guard limits != empty || reservations != empty else { return nil }
        return ResourceRequirements(
            limits: limits == empty ? nil : limits, reservations: reservations == empty ? nil : reservations)
    }

    static func restartPolicy(_ arguments: Arguments) throws(UsageError) -> RestartPolicy? {
        let policy = RestartPolicy(
            condition: try arguments.choice("restart-condition", of: ["none", "on-failure", "any"])
                .flatMap(RestartPolicy.Condition.init),
            delay: try arguments.nanoseconds("restart-delay"),
            maxAttempts: try arguments.integer("restart-max-attempts", in: 0...1_000_000).map { UInt64($0) },
            window: try arguments.nanoseconds("restart-window"))
        return policy == RestartPolicy() ? nil : policy
    }

    private static func placement(_ arguments: Arguments) throws(UsageError) -> Placement? {
        var placement = Placement()
        placement.constraints = arguments.values["constraint"]
        placement.maxReplicas = try arguments.integer("max-replicas-per-node", in: 0...1_000_000).map { UInt64($0) }
        placement.preferences = arguments.values["spread"]?.map { .init(spread: .init(descriptor: $0)) }
        return placement == Placement() ? nil : placement
    }

    static func updateConfig(_ arguments: Arguments) throws(UsageError) -> UpdateConfig? {
        let config = UpdateConfig(
            parallelism: try arguments.integer("update-parallelism", in: 0...1_000_000).map { UInt64($0) },
            delay: try arguments.nanoseconds("update-delay"),
            failureAction: try arguments.choice("update-failure-action", of: ["pause", "continue", "rollback"]),
            monitor: try arguments.nanoseconds("update-monitor"),
            order: try arguments.choice("update-order", of: ["stop-first", "start-first"]))
        guard config != UpdateConfig() else { return nil }
        // A config that says something else must say this too: 0 means all, and absent may be read as 0.
        var whole = config
        whole.parallelism = config.parallelism ?? 1
        return whole
    }
}
