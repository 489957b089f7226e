import Model

extension ServiceSpec {
    /// The options that `edit(with:)` reads.
    static let editOptions: [Syntax.Option] =
        [
            .value("image", "IMAGE", "another image"),
            .value("replicas", "N", "how many tasks"),
            .value("args", "COMMAND", "another command; words are split at spaces, or give it behind '--'"),
            .flag("force", "replace all tasks although nothing else changes"),
            .repeated("env-add", "KEY=VALUE", "an environment variable to set"),
            .repeated("env-rm", "KEY", "one to take away"),
            .repeated("label-add", "KEY=VALUE", "a label of the service to set"),
            .repeated("label-rm", "KEY", "one to take away"),
            .repeated("container-label-add", "KEY=VALUE", "a label of its containers to set"),
            .repeated("container-label-rm", "KEY", "one to take away"),
            .repeated("constraint-add", "EXPR", "a constraint to add"),
            .repeated("constraint-rm", "EXPR", "one to take away"),
            .repeated("network-add", "NETWORK", "a network to be on"),
            .repeated("network-rm", "NETWORK", "one to leave"),
            .repeated("publish-add", "PORTS", "a port to publish"),
            .repeated("publish-rm", "TARGET", "a container's port to publish no more"),
            .repeated("mount-add", "MOUNT", "a mount to add"),
            .repeated("mount-rm", "TARGET", "the target of one to take away"),
        ] + fileEditOptions

    /// Changes what the command line names and leaves the rest.
    ///
    /// - Throws: `UsageError` that names the option.
    mutating func edit(with arguments: Arguments) throws(UsageError) {
        if let replicas = try arguments.integer("replicas", in: 0...1_000_000) { try scale(to: UInt64(replicas)) }
        if arguments.flag("force") { taskTemplate.forceUpdate = (taskTemplate.forceUpdate ?? 0) &+ 1 }
        try editContainer(arguments)
        try editPolicies(arguments)
        labels = try Self.edited(labels, arguments, "label")
        try editEndpoint(arguments)
        try editNetworks(arguments)
    }

    /// - Throws: `UsageError` where the service has no number of replicas.
    mutating func scale(to replicas: UInt64) throws(UsageError) {
        if mode?.global != nil || mode?.globalJob != nil {
            throw UsageError("\(name ?? "the service") has a task on every node: only replicated services are scaled")
        }
        mode = .replicated(replicas)
    }

    private mutating func editContainer(_ arguments: Arguments) throws(UsageError) {
        guard var container = taskTemplate.containerSpec else { return }
        if let image = arguments.value("image") { container.image = image }
        if let args = arguments.value("args") { container.args = args.split(separator: " ").map(String.init) }
        if !arguments.trailing.isEmpty { container.args = arguments.trailing }
        if arguments.flag("env-add") || arguments.flag("env-rm") {
            let replaced = Set(arguments.values("env-rm") + arguments.values("env-add").map(Self.key))
            container.env =
                (container.env ?? []).filter { !replaced.contains(Self.key($0)) } + arguments.values("env-add")
        }
        container.labels = try Self.edited(container.labels, arguments, "container-label")
        if arguments.flag("mount-add") || arguments.flag("mount-rm") {
            var mounts = (container.mounts ?? []).filter { !arguments.values("mount-rm").contains($0.target) }
            for word in arguments.values("mount-add") {
                let mount = try MountArgument.parse(word)
                mounts.removeAll { $0.target == mount.target }
                mounts.append(mount)
            }
            container.mounts = mounts
        }
        taskTemplate.containerSpec = container
    }

    private mutating func editPolicies(_ arguments: Arguments) throws(UsageError) {
        if let wanted = try Self.resources(arguments) {
            var resources = taskTemplate.resources ?? ResourceRequirements()
            resources.limits = Self.merged(resources.limits, wanted.limits)
            resources.reservations = Self.merged(resources.reservations, wanted.reservations)
            taskTemplate.resources = resources
        }
        if let wanted = try Self.restartPolicy(arguments) {
            var policy = taskTemplate.restartPolicy ?? RestartPolicy()
            policy.condition = wanted.condition ?? policy.condition
            policy.delay = wanted.delay ?? policy.delay
            policy.maxAttempts = wanted.maxAttempts ?? policy.maxAttempts
            policy.window = wanted.window ?? policy.window
            taskTemplate.restartPolicy = policy
        }
        if let wanted = try Self.updateConfig(arguments) {
            var config = updateConfig ?? UpdateConfig()
            if arguments.flag("update-parallelism") || config.parallelism == nil {
                config.parallelism = wanted.parallelism
            }
            config.delay = wanted.delay ?? config.delay
            config.failureAction = wanted.failureAction ?? config.failureAction
            config.monitor = wanted.monitor ?? config.monitor
            config.order = wanted.order ?? config.order
            updateConfig = config
        }
        if arguments.flag("constraint-add") || arguments.flag("constraint-rm") {
            var placement = taskTemplate.placement ?? Placement()
            let removed = Set(arguments.values("constraint-rm") + arguments.values("constraint-add"))
            placement.constraints =
                (placement.constraints ?? []).filter { !removed.contains($0) } + arguments.values("constraint-add")
            taskTemplate.placement = placement
        }
    }

    private mutating func editEndpoint(_ arguments: Arguments) throws(UsageError) {
        guard arguments.flag("publish-add") || arguments.flag("publish-rm") else { return }
        var endpoint = endpointSpec ?? EndpointSpec(mode: .vip)
        var ports = endpoint.ports ?? []
        for word in arguments.values("publish-rm") {
            guard let target = UInt32(word) else { throw arguments.invalid("publish-rm", word, "a container's port") }
            ports.removeAll { $0.targetPort == target }
        }
        for word in arguments.values("publish-add") {
            for port in try PortArgument.parse(word) {
                ports.removeAll { $0.targetPort == port.targetPort && $0.transport == port.transport }
                ports.append(port)
            }
        }
        endpoint.ports = ports
        endpointSpec = endpoint
    }

    private mutating func editNetworks(_ arguments: Arguments) throws(UsageError) {
        guard arguments.flag("network-add") || arguments.flag("network-rm") else { return }
        let removed = arguments.values("network-rm")
        var attached = attachedNetworks.filter { !removed.contains($0.target) }
        for word in arguments.values("network-add") {
            let network = try NetworkArgument.parse(word)
            attached.removeAll { $0.target == network.target }
            attached.append(network)
        }
        taskTemplate.networks = attached
        networks = nil
    }

    private static func merged(_ old: Resources?, _ new: Resources?) -> Resources? {
        guard let new else { return old }
        return Resources(
            nanoCPUs: new.nanoCPUs ?? old?.nanoCPUs, memoryBytes: new.memoryBytes ?? old?.memoryBytes,
            pids: new.pids ?? old?.pids)
    }

    private static func edited(
        _ labels: [String: String]?, _ arguments: Arguments, _ option: String
    ) throws(UsageError) -> [String: String]? {
        let added = try arguments.pairs(option + "-add")
        let removed = arguments.values(option + "-rm")
        guard added != nil || !removed.isEmpty else { return labels }
        return (labels ?? [:]).filter { !removed.contains($0.key) }.merging(added ?? [:]) { $1 }
    }

    private static func key(_ variable: String) -> String { String(variable.prefix { $0 != "=" }) }
}
