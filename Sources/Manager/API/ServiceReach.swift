internal import HTTP
internal import Model
internal import Store

/// What a service lets its containers reach, held against what its writer may: who writes a service can read what is in its
/// containers, so it takes the right to read the secrets, configs and networks, and to be root on nodes where it binds their files.
struct ServiceReach: Sendable {
    let view: AccessView

    /// - Parameter former: what it was; a change that leaves the containers as they are needs nothing for what they have already.
    /// - Throws: `HTTPError` 404 or 400 for what the caller may not read, in the words for what is not there; 403 for the rest.
    func check(_ spec: ServiceSpec, from former: ServiceSpec? = nil) throws {
        guard !view.isWhole else { return }
        let container = spec.taskTemplate.containerSpec
        let isSame = former != nil && container == former?.taskTemplate.containerSpec
        let known = isSame ? Set(former?.attachedNetworks.map(\.target) ?? []) : []
        for config in spec.attachedNetworks {
            let network = try view.snapshot.find(Network.self, config.target, kind: "network")
            guard known.contains(network.id) || view.shows(network) else {
                throw HTTPError(.notFound, "network \(config.target) not found")
            }
        }
        guard !isSame, let container else { return }
        try check(Secret.self, container.secrets ?? [])
        try check(Config.self, container.configs ?? [])
        let reachesNode =
            container.mounts?.contains { $0.type == .bind } == true || container.capabilityAdd?.isEmpty == false
        if reachesNode { try view.check(.admin, .service, with: spec.labels) }
    }

    private func check<Kind>(_ type: FileObject<Kind>.Type, _ references: [FileReference]) throws {
        for reference in references {
            // Of what is not there the validation says so.
            guard let object = reference.id.flatMap({ view.snapshot.get(type, $0) }), !view.shows(object) else {
                continue
            }
            throw ServiceValidation.invalid("\(type.kind) not found: \(reference.name ?? "")")
        }
    }
}
