import Glibc
public import HTTP
import Model
import Platform

/// The Engine API's routes for images of this node.
public struct ImageRoutes: Sendable {
    private static let filters: Set<String> = ["reference", "label", "dangling"]

    private let agent: NodeAgent
    private var images: ImageStore { agent.images }

    public init(agent: NodeAgent) { self.agent = agent }

    /// Adds `/images` to the router.
    public func register(in router: inout Router) {
        router.get("/images/json") { try await list($0) }
        router.post("/images/load") { try await load($0) }
        router.post("/images/create") { try await create($0) }
        router.get("/images/{name...}/json") { try await inspect($0) }
        router.get("/images/{name...}/history") { try await history($0) }
        router.post("/images/{name...}/tag") { try await tag($0) }
        router.delete("/images/{name...}") { try await remove($0) }
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let filters = QueryFilters(request.query["filters"]) else {
            throw HTTPError(.badRequest, "invalid filters: \(request.query["filters"]?.prefix(200) ?? "")")
        }
        if let unknown = filters.names(besides: Self.filters).first {
            throw HTTPError(.badRequest, "invalid filter '\(unknown)'")
        }
        let dangling = filters["dangling"].map { $0.contains("true") || $0.contains("1") }
        let found = await images.list().filter { image in
            (dangling.map { $0 == image.tags.isEmpty } ?? true)
                && (filters["reference"]?.contains { pattern in image.tags.contains { Self.matches($0, pattern) } }
                    ?? true)
                && filters.matchLabels(image.configuration.execution?.labels ?? [:])
        }
        return try .json(found.map(EngineImageSummary.init))
    }

    /// Whether a tag is meant by a pattern with `*` and `?`, with or without a tag of its own.
    static func matches(_ tag: String, _ pattern: String) -> Bool {
        let name = tag.lastIndex(of: ":").map { String(tag[..<$0]) } ?? tag
        return fnmatch(pattern, tag, FNM_PATHNAME) == 0 || fnmatch(pattern, name, FNM_PATHNAME) == 0
    }

    private func inspect(_ request: HTTPRequest) async throws -> HTTPResponse {
        try .json(EngineImageDetails(try await images.image(named: request.capture("name"))))
    }

    private func history(_ request: HTTPRequest) async throws -> HTTPResponse {
        let image = try await images.image(named: request.capture("name"))
        var steps: [EngineHistoryStep] = []
        for step in (image.configuration.history ?? []).reversed() {
            let id = steps.isEmpty ? image.id.description : "<missing>"
            steps.append(EngineHistoryStep(step, id: id, image: image))
        }
        return try .json(steps)
    }

    private func tag(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let repository = request.query["repo"], !repository.isEmpty else {
            throw HTTPError(.badRequest, "the parameter repo is missing")
        }
        let tag = request.query["tag"] ?? ""
        try await images.tag(
            request.capture("name"), as: ImageReference(tag.isEmpty ? repository : "\(repository):\(tag)"))
        return HTTPResponse(.created)
    }

    private func remove(_ request: HTTPRequest) async throws -> HTTPResponse {
        let removal = try await agent.removeImage(request.capture("name"), force: request.query.flag("force"))
        return try .json(removal.untagged.map { ["Untagged": $0] } + removal.deleted.map { ["Deleted": $0] })
    }

    // MARK: Content coming in

    private func load(_ request: HTTPRequest) async throws -> HTTPResponse {
        let upload = try await Upload.receive(request.body, in: images.uploadDirectory, limit: images.uploadLimit)
        let loaded = try await images.load(archive: upload.path)
        let lines = loaded.flatMap { image in
            image.tags.isEmpty ? ["Loaded image ID: \(image.id)\n"] : image.tags.map { "Loaded image: \($0)\n" }
        }
        return try .progress(lines.map { ["stream": $0] })
    }

    private func create(_ request: HTTPRequest) async throws -> HTTPResponse {
        let query = request.query
        guard query["fromSrc"] == "-" else {
            throw AgentError(
                .unsupported,
                "this node cannot pull images yet: load it with `docker load` or `clusterctl image load`")
        }
        var reference: ImageReference?
        if let repository = query["repo"], !repository.isEmpty {
            let tag = query["tag"] ?? ""
            reference = try ImageReference(tag.isEmpty ? repository : "\(repository):\(tag)")
        }
        let upload = try await Upload.receive(request.body, in: images.uploadDirectory, limit: images.uploadLimit)
        let image = try await images.importRootFileSystem(
            upload.path, reference: reference, changes: query.values(of: "changes"), message: query["message"])
        return try .progress([["status": image.id.description]])
    }
}

/// A step of an image's making, as `GET /images/{name}/history` lists it.
struct EngineHistoryStep: Encodable {
    var id: String
    var created: Int64
    var createdBy: String
    var tags: [String]?
    var size: Int64 = 0
    var comment: String

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case created = "Created"
        case createdBy = "CreatedBy"
        case tags = "Tags"
        case size = "Size"
        case comment = "Comment"
    }

    init(_ step: ImageConfiguration.History, id: String, image: Image) {
        self.id = id
        created = step.created.flatMap { Timestamp($0)?.seconds } ?? image.createdAt.seconds
        createdBy = step.createdBy ?? ""
        tags = id == "<missing>" ? nil : image.tags
        if !(step.emptyLayer ?? false), image.layers.count == 1 { size = image.size }
        comment = step.comment ?? ""
    }
}

extension HTTPResponse {
    /// Docker's progress stream: one JSON object a line.
    fileprivate static func progress(_ lines: [[String: String]]) throws -> HTTPResponse {
        var bytes: [UInt8] = []
        for line in lines { bytes += try HTTPJSON.encode(line) + Array("\r\n".utf8) }
        return HTTPResponse(headers: ["Content-Type": "application/json"], body: HTTPBody(bytes))
    }
}
