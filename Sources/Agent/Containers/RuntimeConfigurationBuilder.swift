import Model
import Platform

/// Turns what users and the image say into the runtime's `config.json`.
struct RuntimeConfigurationBuilder {
    var specification: ContainerSpecification
    var image: ImageConfiguration
    var paths: ContainerPaths
    var cgroupPath: String
    /// Whether the machine has only cgroups of version 2: then a container gets a cgroup namespace, as Docker's do.
    var hasUnifiedCgroups: Bool
    var users: UserResolver

    private var spec: ContainerSpec { specification.spec }

    /// Entrypoint and command by Docker's rules: an entrypoint that users give drops the image's command.
    static func arguments(_ spec: ContainerSpec, _ image: ImageConfiguration.Execution?) throws(AgentError) -> [String]
    {
        let command = spec.command ?? []
        let arguments = spec.args ?? []
        let entrypoint = command.isEmpty ? image?.entrypoint ?? [] : command
        let rest = arguments.isEmpty && command.isEmpty ? image?.command ?? [] : arguments
        let all = entrypoint + rest
        guard let first = all.first, !first.isEmpty else { throw AgentError(.invalid, "No command specified") }
        return all
    }

    /// The signal that asks it to stop.
    static func stopSignal(_ spec: ContainerSpec, _ image: ImageConfiguration.Execution?) throws(AgentError) -> Int32 {
        try SignalName.number(spec.stopSignal ?? image?.stopSignal ?? "SIGTERM")
    }

    var hostname: String { spec.hostname ?? String(specification.id.prefix(12)) }

    var workingDirectory: String {
        let directory = spec.dir ?? image.execution?.workingDirectory ?? ""
        return directory.isEmpty ? "/" : directory.hasPrefix("/") ? directory : "/" + directory
    }

    func build() throws(AgentError) -> RuntimeConfiguration {
        let capabilities = try Capabilities.adjusted(
            adding: spec.capabilityAdd ?? [], dropping: spec.capabilityDrop ?? [])
        let user = try users.resolve(
            spec.user ?? image.execution?.user ?? "", additionalGroups: spec.groups ?? [])
        return RuntimeConfiguration(
            process: .init(
                terminal: spec.tty ?? false, user: user, args: try Self.arguments(spec, image.execution),
                env: environment, cwd: workingDirectory,
                capabilities: .init(bounding: capabilities, effective: capabilities, permitted: capabilities),
                rlimits: try resourceLimits()),
            root: .init(path: paths.root, readonly: spec.readOnly ?? false),
            hostname: hostname,
            mounts: try mounts(),
            linux: .init(
                namespaces: namespaces, cgroupsPath: cgroupPath, resources: resources, sysctl: sysctls,
                maskedPaths: Self.maskedPaths, readonlyPaths: Self.readOnlyPaths))
    }

    /// Later settings of a name replace earlier ones; a bare name in the spec takes the image's away.
    var environment: [String] {
        var result = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=\(hostname)"]
        if spec.tty ?? false { result.append("TERM=xterm") }
        for setting in (image.execution?.environment ?? []) + (spec.env ?? []) {
            let name = setting.prefix { $0 != "=" }
            let place = result.firstIndex { $0.hasPrefix(name + "=") }
            if !setting.contains("=") {
                if let place { result.remove(at: place) }
            } else if let place {
                result[place] = setting
            } else {
                result.append(setting)
            }
        }
        return result
    }

    private var namespaces: [RuntimeConfiguration.Linux.Namespace] {
        var result: [RuntimeConfiguration.Linux.Namespace] = ["mount", "uts", "pid", "ipc"].map { .init(type: $0) }
        if let path = specification.network.namespacePath { result.append(.init(type: "network", path: path)) }
        if hasUnifiedCgroups { result.append(.init(type: "cgroup")) }
        return result
    }

    private var resources: RuntimeConfiguration.Linux.Resources {
        var result = RuntimeConfiguration.Linux.Resources(devices: [.init(allow: false, access: "rwm")])
        let limits = specification.limits
        if let bytes = limits?.memoryBytes, bytes > 0 { result.memory = .init(limit: bytes) }
        if let nanoCPUs = limits?.nanoCPUs, nanoCPUs > 0 {
            // The kernel takes no quota below 1 ms.
            result.cpu = .init(quota: max(1_000, nanoCPUs / 10_000), period: 100_000)
        }
        if let pids = limits?.pids, pids > 0 { result.pids = .init(limit: pids) }
        return result
    }

    private var sysctls: [String: String]? {
        guard specification.network.namespacePath != nil else { return spec.sysctls }
        let defaults = ["net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"]
        return defaults.merging(spec.sysctls ?? [:]) { $1 }
    }

    private func resourceLimits() throws(AgentError) -> [RuntimeConfiguration.Process.Limit]? {
        guard let ulimits = spec.ulimits, !ulimits.isEmpty else { return nil }
        var result: [RuntimeConfiguration.Process.Limit] = []
        for limit in ulimits {
            let name = limit.name.lowercased()
            guard Self.resourceLimitNames.contains(name) else {
                throw AgentError(.invalid, "invalid ulimit type: \(name.prefix(40))")
            }
            // -1 means unlimited.
            result.append(
                .init(
                    type: "RLIMIT_" + name.uppercased(), soft: UInt64(bitPattern: limit.soft),
                    hard: UInt64(bitPattern: limit.hard)))
        }
        return result
    }

    private static let resourceLimitNames: Set<String> = [
        "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
        "rtprio", "rttime", "sigpending", "stack",
    ]

    private static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap",
    ]

    private static let readOnlyPaths = [
        "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
    ]
}

extension RuntimeConfigurationBuilder {
    private func mounts() throws(AgentError) -> [RuntimeConfiguration.Mount] {
        typealias Mount = RuntimeConfiguration.Mount
        let usual = ["nosuid", "noexec", "nodev"]
        var result = [
            Mount(destination: "/proc", type: "proc", source: "proc", options: usual),
            Mount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            Mount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            Mount(destination: "/sys", type: "sysfs", source: "sysfs", options: usual + ["ro"]),
            Mount(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] + usual),
            Mount(destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: usual),
            Mount(
                destination: "/dev/shm", type: "tmpfs", source: "shm", options: usual + ["mode=1777", "size=67108864"]),
        ]
        for (file, target) in [(paths.hosts, "hosts"), (paths.hostname, "hostname"), (paths.resolver, "resolv.conf")] {
            result.append(
                Mount(destination: "/etc/\(target)", type: "bind", source: file, options: ["rbind", "rprivate"]))
        }
        for mount in spec.mounts ?? [] { result.append(try self.mount(mount)) }
        return result + fileMounts
    }

    /// Secrets and configs, each for itself: the container sees nothing of the tmpfs that they are on. A config may be a script.
    private var fileMounts: [RuntimeConfiguration.Mount] {
        let files = ContainerFiles(path: paths.files)
        return spec.files.enumerated().compactMap { place, reference in
            guard let path = reference.path else { return nil }
            let options = ["bind", "rprivate", "ro", "nosuid", "nodev"] + (reference.secretID != nil ? ["noexec"] : [])
            return .init(destination: path, type: "bind", source: files.source(of: place), options: options)
        }
    }

    private func mount(_ mount: Model.Mount) throws(AgentError) -> RuntimeConfiguration.Mount {
        guard mount.target.hasPrefix("/") else {
            throw AgentError(.invalid, "invalid mount target \"\(mount.target.prefix(200))\": it must be absolute")
        }
        let readOnly = mount.readOnly ?? false
        switch mount.type ?? .bind {
        case .bind:
            guard let source = mount.source, source.hasPrefix("/") else {
                throw AgentError(.invalid, "invalid bind mount source for \(mount.target): it must be absolute")
            }
            return .init(
                destination: mount.target, type: "bind", source: source,
                options: ["rbind", "rprivate"] + (readOnly ? ["ro"] : []))
        case .tmpfs:
            var options = ["nosuid", "nodev", "noexec"] + (readOnly ? ["ro"] : [])
            if let size = mount.tmpfsOptions?.sizeBytes, size > 0 { options.append("size=\(size)") }
            if let mode = mount.tmpfsOptions?.mode { options.append("mode=" + String(mode, radix: 8)) }
            return .init(destination: mount.target, type: "tmpfs", source: "tmpfs", options: options)
        case let other:
            throw AgentError(.unsupported, "mounts of type \(other.rawValue) are not supported by this node")
        }
    }
}
