internal import Model

/// What an absent field of a spec means, as in Docker.
enum Defaults {
    static let restartDelay: Duration = .seconds(5)
    static let stopGrace: Duration = .seconds(10)
    static let updateMonitor: Duration = .seconds(5)
    static let updateParallelism: UInt64 = 1
    static let taskHistory: Int64 = 5
    /// How long a replacement waits for its predecessor to stop, beyond the grace period it has.
    static let stopTimeout: Duration = .seconds(60)
}

extension ServiceSpec {
    /// Nil in global services.
    var replicas: UInt64? {
        guard let mode else { return 1 }
        if mode.global != nil { return nil }
        return mode.replicated?.replicas ?? 1
    }

    var isGlobal: Bool { mode?.global != nil }

    /// Jobs run to an end; nothing here plans them.
    var isJob: Bool { mode?.replicatedJob != nil || mode?.globalJob != nil }

    /// The task template with the networks that it means.
    var effectiveTaskSpec: TaskSpec {
        var spec = taskTemplate
        spec.networks = attachedNetworks.isEmpty ? nil : attachedNetworks
        return spec
    }

    var hostPorts: [PortConfig] { (endpointSpec?.ports ?? []).filter { $0.publishMode == .host } }

    var isVirtual: Bool { endpointSpec?.mode != .dnsrr }
}

extension TaskState {
    /// States in which the task's container exists or is being made, as far as the managers know.
    var isOnNode: Bool { self >= .assigned && self <= .running }
}
