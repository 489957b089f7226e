internal import HTTP
internal import Model
internal import Platform
internal import Store

/// Engine API `/services`.
struct ServiceRoutes: Sendable {
    let api: ClusterAPI

    private struct Created: Encodable {
        let id: String
        let warnings: [String]?

        enum CodingKeys: String, CodingKey {
            case id = "ID"
            case warnings = "Warnings"
        }
    }

    private struct Updated: Encodable {
        let warnings: [String]?

        enum CodingKeys: String, CodingKey { case warnings = "Warnings" }
    }

    func register(in router: inout Router) {
        router.get("/services") { try .json(list($0)) }
        router.post("/services/create") { request in
            let id = try await create(try await api.decode(ServiceSpec.self, request), for: request)
            return try .json(Created(id: id, warnings: nil), status: .created)
        }
        router.get("/services/{id}") { request in
            try .json(find(request))
        }
        router.post("/services/{id}/update") { request in
            try await update(request)
            return try .json(Updated(warnings: nil))
        }
        router.delete("/services/{id}") { request in
            let id = try request.capture("id")
            try await api.update { transaction in
                let service = try AccessView(transaction.snapshot, for: request).find(Service.self, id, for: .write)
                try transaction.remove(service)
            }
            return HTTPResponse(.ok)
        }
        router.get("/services/{id}/logs") { request in
            let service = try find(request)
            let isTTY = service.spec.taskTemplate.containerSpec?.tty ?? false
            return try LogAnswer(request, of: LogSubject(serviceID: service.id), isTTY: isTTY)
                .response(from: api.operations)
        }
    }

    private func find(_ request: HTTPRequest) throws -> Service {
        try api.view(for: request).find(Service.self, try request.capture("id"))
    }

    private func list(_ request: HTTPRequest) throws -> [Service] {
        let filters = try QueryFilters(request, known: ["id", "name", "label", "mode", "runtime"])
        let view = try api.view(for: request)
        let services = view.all(Service.self).filter { service in
            filters.allowID(service.id)
                && filters.allow("name") { (service.spec.name ?? "").hasPrefix($0) }
                && filters.matchLabels(service.spec.labels ?? [:])
                && filters.allow("mode") { $0 == service.spec.modeName }
                && filters.allow("runtime") { $0 == "container" }
        }
        guard request.query.flag("status") else { return services }
        return services.map { service in
            var service = service
            service.serviceStatus = Self.status(of: service, view.snapshot)
            return service
        }
    }

    /// How many tasks run, and how many should.
    static func status(of service: Service, _ snapshot: Snapshot) -> ServiceStatus {
        let tasks = snapshot.tasks(ofService: service.id)
        let isUp: (ClusterTask) -> Bool = { task in
            guard let nodeID = task.nodeID else { return false }
            return snapshot.get(Node.self, nodeID)?.status.state != .down
        }
        let running = tasks.filter { $0.status.state == .running && $0.desiredState == .running && isUp($0) }.count
        let desired =
            service.spec.replicas
            ?? UInt64(tasks.filter { $0.desiredState <= .running && !$0.status.state.isTerminal }.count)
        let completed = tasks.filter { $0.status.state == .complete }.count
        return ServiceStatus(
            runningTasks: UInt64(running), desiredTasks: desired, completedTasks: UInt64(completed))
    }

    private func create(_ given: ServiceSpec, for request: HTTPRequest) async throws -> String {
        let id = Identifier.random()
        try await api.update { transaction in
            let view = try AccessView(transaction.snapshot, for: request)
            try view.check(.write, .service, with: given.labels)
            try ServiceReach(view: view).check(given)
            let spec = try ServiceValidation(view).checked(given, serviceID: id)
            try transaction.put(Service(id: id, createdAt: transaction.now, spec: spec))
        }
        return id
    }

    private func update(_ request: HTTPRequest) async throws {
        let reference = try request.capture("id")
        let seen = try api.seenVersion(request)
        let isRollback: Bool
        switch request.query["rollback"] {
        case nil, "": isRollback = false
        case "previous": isRollback = true
        case let other?: throw HTTPError(.badRequest, "unrecognized rollback option: \(other)")
        }
        let given = isRollback ? nil : try await api.decode(ServiceSpec.self, request)
        try await api.update { transaction in
            let view = try AccessView(transaction.snapshot, for: request)
            var service = try view.find(Service.self, reference, for: .write)
            try api.check(service, isAt: seen)
            let spec: ServiceSpec
            if let given {
                try ServiceReach(view: view).check(given, from: service.spec)
                spec = try ServiceValidation(view).checked(given, serviceID: service.id)
                guard spec.name == service.spec.name else {
                    throw HTTPError(
                        .notImplemented, "rpc error: code = Unimplemented desc = renaming services is not supported")
                }
                guard spec.modeName == service.spec.modeName else {
                    throw HTTPError(
                        .notImplemented, "rpc error: code = Unimplemented desc = service mode change is not allowed")
                }
            } else if let previous = service.previousSpec {
                try ServiceReach(view: view).check(previous, from: service.spec)
                if let container = previous.taskTemplate.containerSpec {
                    try FileReferenceValidation(transaction.snapshot).check(container)
                }
                spec = previous
            } else {
                throw HTTPError(
                    .badRequest,
                    "rpc error: code = FailedPrecondition desc = service \(service.id) does not have a previous spec")
            }
            try view.check(.write, .service, with: spec.labels)
            service.previousSpec = service.spec
            if spec.effectiveTaskSpec != service.spec.effectiveTaskSpec
                || spec.endpointSpec != service.spec.endpointSpec
            {
                service.specVersion = service.version
            }
            service.spec = spec
            service.updateStatus =
                isRollback
                ? UpdateStatus(
                    state: "rollback_started", startedAt: transaction.now, message: "manually requested rollback") : nil
            try transaction.put(service)
        }
    }
}

extension ServiceSpec {
    /// As the `mode` filter names it.
    var modeName: String {
        if mode?.global != nil { return "global" }
        if mode?.replicatedJob != nil { return "replicated-job" }
        return mode?.globalJob != nil ? "global-job" : "replicated"
    }
}
