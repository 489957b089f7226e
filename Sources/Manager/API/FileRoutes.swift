internal import HTTP
internal import Model
internal import Platform
internal import Store

/// Engine API `/secrets` and `/configs`.
struct FileRoutes<Kind: FileObjectKind>: Sendable {
    typealias Object = FileObject<Kind>

    let api: ClusterAPI

    private struct Created: Encodable {
        let id: String

        enum CodingKeys: String, CodingKey { case id = "ID" }
    }

    func register(in router: inout Router) {
        let path = "/\(Object.kind)s"
        router.get(path) { try .json(list($0)) }
        router.post(path + "/create") { request in
            let id = try await create(try await api.decode(FileSpec.self, request), for: request)
            return try .json(Created(id: id), status: .created)
        }
        router.get(path + "/{id}") { request in
            try .json(api.view(for: request).find(Object.self, try request.capture("id")).shown)
        }
        router.post(path + "/{id}/update") { request in
            try await update(request)
            return HTTPResponse(.ok)
        }
        router.delete(path + "/{id}") { request in
            try await remove(request)
            return HTTPResponse(.noContent)
        }
    }

    private func list(_ request: HTTPRequest) throws -> [Object] {
        let filters = try QueryFilters(request, known: ["id", "name", "names", "label"])
        return try api.view(for: request).all(Object.self).filter { object in
            filters.allowID(object.id)
                && filters.allow("name") { object.spec.name.hasPrefix($0) }
                && filters.allow("names") { object.spec.name == $0 }
                && filters.matchLabels(object.spec.labels ?? [:])
        }.map(\.shown)
    }

    private func create(_ spec: FileSpec, for request: HTTPRequest) async throws -> String {
        try Self.checkName(spec.name)
        let count = spec.data?.bytes.count ?? 0
        guard count > 0, count < FileLimits.dataBytes else {
            throw ServiceValidation.invalid(
                "\(Object.kind) data must be larger than 0 and less than \(FileLimits.dataBytes) bytes")
        }
        let id = Identifier.random()
        try await api.update { transaction in
            try AccessView(transaction.snapshot, for: request).check(.write, Object.accessKind, with: spec.labels)
            guard transaction.snapshot.named(Object.self, spec.name).isEmpty else {
                throw HTTPError(
                    .conflict, "rpc error: code = AlreadyExists desc = \(Object.kind) \(spec.name) already exists")
            }
            try transaction.put(Object(id: id, createdAt: transaction.now, spec: spec))
        }
        return id
    }

    private static func checkName(_ name: String) throws {
        guard !name.isEmpty else { throw ServiceValidation.invalid("name must be provided") }
        let isAlphanumeric = { (byte: UInt8) in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        }
        let bytes = Array(name.utf8)
        guard bytes.count <= FileLimits.nameBytes, bytes.first.map(isAlphanumeric) == true,
            bytes.last.map(isAlphanumeric) == true,
            bytes.allSatisfy({ isAlphanumeric($0) || [45, 46, 95].contains($0) })
        else {
            throw ServiceValidation.invalid(
                "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be "
                    + "[a-zA-Z0-9]")
        }
    }

    /// Labels alone can change.
    private func update(_ request: HTTPRequest) async throws {
        let reference = try request.capture("id")
        let seen = try api.seenVersion(request)
        let spec = try await api.decode(FileSpec.self, request)
        try await api.update { transaction in
            let view = try AccessView(transaction.snapshot, for: request)
            var object = try view.find(Object.self, reference, for: .write)
            try api.check(object, isAt: seen)
            try view.check(.write, Object.accessKind, with: spec.labels)
            // Clients that deploy stacks send the data once more.
            guard spec.name == object.spec.name, spec.data == nil || spec.data == object.spec.data else {
                throw ServiceValidation.invalid("only updates to Labels are allowed")
            }
            object.spec.labels = spec.labels
            try transaction.put(object)
        }
    }

    private func remove(_ request: HTTPRequest) async throws {
        let reference = try request.capture("id")
        try await api.update { transaction in
            let view = try AccessView(transaction.snapshot, for: request)
            let object = try view.find(Object.self, reference, for: .write)
            let users = transaction.snapshot.all(Service.self).filter { $0.mayUse(object.id) }
                .map { view.shows($0) ? $0.spec.name ?? $0.id : "another" }.sorted()
            guard users.isEmpty else {
                throw ServiceValidation.invalid(
                    "\(Object.kind) '\(object.spec.name)' is in use by the following "
                        + "service\(users.count == 1 ? "" : "s"): \(users.joined(separator: ", "))")
            }
            transaction.delete(Object.self, object.id)
        }
    }
}

extension Service {
    /// Whether it uses a secret or config, or would after a rollback that may come by itself.
    fileprivate func mayUse(_ fileID: String) -> Bool {
        let mayRollBack = UpdateState.isUnderWay(updateStatus?.state)
        return [spec, mayRollBack ? previousSpec : nil].contains { spec in
            spec?.taskTemplate.containerSpec?.files.contains { $0.id == fileID } == true
        }
    }
}
