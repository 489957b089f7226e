import HTTP
import Model
import Platform

/// All that is known of services.
enum ServiceInspect: Command {
    static let syntax = Syntax(
        path: ["service", "inspect"], summary: "All that is known of services",
        positionals: [.init("SERVICE", "id, unique beginning of one, or name", .many)],
        options: [.flag("pretty", "for people rather than programs")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var services: [Fetched<Service>] = []
        for name in arguments.positionals {
            services.append(
                try await session.engine.fetch(
                    Fetched<Service>.self, ["services", name], query: [("insertDefaults", "true")]))
        }
        if arguments.flag("pretty") {
            session.console.write(services.map { pretty($0.value) }.joined(separator: "\n"))
        } else {
            try session.show(services.map(\.raw))
        }
    }

    static func pretty(_ service: Service) -> String {
        let container = service.spec.taskTemplate.containerSpec
        var rows = [
            ["ID", service.id], ["Name", service.name ?? ""], ["Mode", service.modeText],
            ["Image", container?.image ?? ""],
        ]
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { rows.append([name, value]) }
        }
        add("Replicas", service.spec.mode?.replicated?.replicas.map { "\($0)" })
        add("Entrypoint", container?.command?.joined(separator: " "))
        add("Command", container?.args?.joined(separator: " "))
        for variable in container?.env ?? [] { add("Environment", variable) }
        for mount in container?.mounts ?? [] {
            add(
                "Mount",
                "\(mount.source ?? mount.type?.rawValue ?? ""):\(mount.target)" + (mount.readOnly == true ? ":ro" : ""))
        }
        for secret in container?.secrets ?? [] { add("Secret", "\(secret.name ?? "") at \(secret.path ?? "")") }
        for config in container?.configs ?? [] { add("Config", "\(config.name ?? "") at \(config.path ?? "")") }
        for constraint in service.spec.taskTemplate.placement?.constraints ?? [] { add("Constraint", constraint) }
        addResources(service.spec.taskTemplate.resources, add)
        if let restart = service.spec.taskTemplate.restartPolicy {
            let delay = restart.delay.map { ", after " + DurationText.seconds(.nanoseconds($0)) } ?? ""
            add("Restart", (restart.condition ?? .any).rawValue + delay)
        }
        if let update = service.spec.updateConfig {
            add(
                "Update",
                "\(update.parallelism ?? 1) at once, \(update.order ?? "stop-first"), "
                    + "on failure \(update.failureAction ?? "pause")")
        }
        for network in service.spec.attachedNetworks { add("Network", network.target) }
        for address in service.endpoint.virtualIPs ?? [] {
            add("Address", "\(address.address) (\(address.networkID.shortened))")
        }
        for port in service.endpoint.ports ?? [] {
            add("Port", "\(port.text) (\((port.publishMode ?? .ingress).rawValue))")
        }
        for (name, value) in (service.spec.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
            add("Label", "\(name)=\(value)")
        }
        if let status = service.updateStatus { add("Last update", "\(status.state) \(status.message ?? "")") }
        add("Created", service.createdAt.description)
        add("Changed", service.updatedAt.description)
        return FieldList.text(rows)
    }

    private static func addResources(_ resources: ResourceRequirements?, _ add: (String, String?) -> Void) {
        for (name, part) in [("Limit", resources?.limits), ("Reservation", resources?.reservations)] {
            let words = [
                part?.nanoCPUs.map { CPUText.text($0) + " CPUs" }, part?.memoryBytes.map { ByteSize.binary($0) },
                part?.pids.map { "\($0) processes" },
            ]
            add(name, words.compactMap { $0 }.joined(separator: ", "))
        }
    }
}
