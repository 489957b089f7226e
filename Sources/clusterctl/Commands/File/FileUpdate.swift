import HTTP
import Model

/// Gives a secret or config another value: as another object, its next version, which the services that use it are brought to.
enum FileUpdate {
    static func options(_ kind: FileKind) -> [Syntax.Option] {
        [
            .repeated("label-add", "KEY=VALUE", "a label to set"), .repeated("label-rm", "KEY", "one to take away"),
            .flag("prune", "remove versions that no service uses or could roll back to"),
        ] + ConvergenceWait.options
    }

    static func notes(_ kind: FileKind) -> [String] {
        [
            """
            The data of a \(kind.rawValue) never changes. A new value is another object, NAME.2, NAME.3 and so on, and every
            service that uses NAME is updated to it, task by task as its update policy says. Its file keeps its path.
            Where clusterctl reads NAME it takes the newest version; 'clusterctl service rollback' goes back to the last.
            """
        ]
    }

    static func run(_ kind: FileKind, _ arguments: Arguments, in session: Session) async throws {
        let newest = try await StoredFiles.load(kind, session).find(arguments.positionals[0])
        var labels = (newest.spec.labels ?? [:]).merging(try arguments.pairs("label-add") ?? [:]) { $1 }
        for name in arguments.values("label-rm") { labels[name] = nil }
        guard let path = arguments.positionals.dropFirst().first else {
            guard arguments.flag("label-add") || arguments.flag("label-rm") else {
                throw arguments.usage("FILE is missing; --label-add and --label-rm need none")
            }
            try await session.engine.call(
                .post, [kind.plural, newest.id, "update"], query: [("version", "\(newest.version.index)")],
                json: FileSpec(name: newest.spec.name, labels: labels))
            return session.console.line(newest.spec.name)
        }
        let data = try FileCommands.data(kind, path)
        let number = newest.number + 1
        labels[FileVersionLabel.base] = newest.baseName
        labels[FileVersionLabel.number] = "\(number)"
        let name = "\(newest.baseName).\(number)"
        let id = try await FileCommands.create(kind, FileSpec(name: name, labels: labels, data: data), session)
        session.console.line("\(name) created (\(id))")
        try await roll(kind, newest.baseName, to: (id, name), arguments, session)
        if arguments.flag("prune") { try await prune(kind, newest.baseName, keeping: id, session) }
    }

    /// Brings the services that use a version of it to that one; all are told before any is waited for.
    private static func roll(
        _ kind: FileKind, _ base: String, to new: (id: String, name: String), _ arguments: Arguments, _ session: Session
    ) async throws {
        let versions = Set(try await StoredFiles.load(kind, session).versions(of: base).map(\.id))
        let services = try await session.engine.fetch([Service].self, ["services"])
            .filter { service in uses(kind, service.spec, versions.subtracting([new.id])) }
            .sorted { ($0.name ?? "") < ($1.name ?? "") }
        for service in services {
            try await Retry.outOfSequence {
                let current = try await session.engine.fetch(
                    Service.self, ["services", service.id], query: [("insertDefaults", "false")])
                guard var container = current.spec.taskTemplate.containerSpec else { return }
                let references = kind.references(container).map { reference in
                    versions.contains(reference.id ?? "") ? kind.reference(new.id, new.name, reference.file) : reference
                }
                kind.set(references, in: &container)
                var spec = current.spec
                spec.taskTemplate.containerSpec = container
                try await current.update(to: spec, session)
            }
            session.console.line("\(service.name ?? service.id) updated")
        }
        for service in services { try await ConvergenceWait.run(service.id, arguments, in: session) }
    }

    /// Whether a specification uses one of these objects.
    static func uses(_ kind: FileKind, _ spec: ServiceSpec?, _ ids: Set<String>) -> Bool {
        kind.references(spec?.taskTemplate.containerSpec).contains { ids.contains($0.id ?? "") }
    }

    private static func prune(_ kind: FileKind, _ base: String, keeping id: String, _ session: Session) async throws {
        let services = try await session.engine.fetch([Service].self, ["services"])
        for version in try await StoredFiles.load(kind, session).versions(of: base) where version.id != id {
            let isUsed = services.contains {
                uses(kind, $0.spec, [version.id]) || uses(kind, $0.previousSpec, [version.id])
            }
            guard !isUsed else { continue }
            try await session.engine.call(.delete, [kind.plural, version.id])
            session.console.line("\(version.spec.name) removed")
        }
    }
}
