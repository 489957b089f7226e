public import HTTP
import Model
import Platform

/// The Engine API's routes for containers of this node.
public struct ContainerRoutes: Sendable {
    private static let filters: Set<String> = ["id", "name", "label", "status", "ancestor"]
    private static let defaultGrace = 10

    private let agent: NodeAgent
    private var engine: ContainerEngine { agent.containers }

    public init(agent: NodeAgent) { self.agent = agent }

    /// Adds `/containers` to the router.
    public func register(in router: inout Router) {
        router.get("/containers/json") { try await list($0) }
        router.get("/containers/{id}/json") { try await inspect($0) }
        router.get("/containers/{id}/logs") { try await logs($0) }
        router.post("/containers/{id}/kill") { try await kill($0) }
        router.post("/containers/{id}/stop") { try await stop($0) }
        router.delete("/containers/{id}") { try await remove($0) }
    }

    private func find(_ request: HTTPRequest) async throws -> ContainerRecord {
        try await engine.find(request.capture("id"))
    }

    private func list(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let filters = QueryFilters(request.query["filters"]) else {
            throw HTTPError(.badRequest, "invalid filters: \(request.query["filters"]?.prefix(200) ?? "")")
        }
        if let unknown = filters.names(besides: Self.filters).first {
            throw HTTPError(.badRequest, "invalid filter '\(unknown)'")
        }
        let limit = try request.query.integer("limit") ?? 0
        let all = request.query.flag("all") || limit > 0 || filters["status"] != nil
        var ancestors: Set<ContentDigest> = []
        for name in filters["ancestor"] ?? [] {
            if let image = try? await agent.images.image(named: name) { ancestors.insert(image.id) }
        }
        let now = WallClock.now()
        var records = await engine.list().filter { record in
            (all || record.state == .running)
                && (filters["id"]?.contains { record.id.hasPrefix($0) } ?? true)
                && (filters["name"]?.contains { ("/" + record.name).contains($0) } ?? true)
                && (filters["status"]?.contains(record.engineState) ?? true)
                && (filters["ancestor"] == nil || ancestors.contains(record.image))
                && filters.matchLabels(record.specification.labels)
        }
        if limit > 0 { records = Array(records.prefix(limit)) }
        return try .json(records.map { EngineContainerSummary($0, now: now) })
    }

    private func inspect(_ request: HTTPRequest) async throws -> HTTPResponse {
        let record = try await find(request)
        return try .json(
            EngineContainerDetails(
                record, paths: engine.paths(record.id), cgroupPath: engine.configuration.cgroupParent))
    }

    private func logs(_ request: HTTPRequest) async throws -> HTTPResponse {
        let record = try await find(request)
        let query = request.query
        guard query.flag("stdout") || query.flag("stderr") else {
            throw HTTPError(.badRequest, "Bad parameters: you must choose at least one stream")
        }
        let options = LogOptions(
            stdout: query.flag("stdout"), stderr: query.flag("stderr"), follow: query.flag("follow"),
            tail: query["tail"].flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 },
            since: LogTime.parse(query["since"]), until: LogTime.parse(query["until"]))
        let isRaw = record.specification.spec.tty ?? false
        let hasTimestamps = query.flag("timestamps")
        let (engine, id) = (engine, record.id)
        let isMultiplexed = !isRaw && Self.knowsMultiplexed(request.captures["version"])
        return HTTPResponse(
            headers: ["Content-Type": isMultiplexed ? RawStreamFrame.contentType : RawStreamFrame.rawContentType],
            body: .stream { writer in
                var cursor = engine.logReader(id).cursor(options) { await engine.hasEnded(id) }
                while let lines = try await cursor.next() {
                    var bytes: [UInt8] = []
                    for line in lines {
                        var text = hasTimestamps ? Array("\(line.timestamp.fixedWidth) ".utf8) : []
                        text += line.isPartial ? line.bytes : line.bytes + [UInt8(ascii: "\n")]
                        bytes += isRaw ? text : RawStreamFrame.encode(line.stream, text)
                    }
                    try await writer.write(bytes)
                }
            })
    }

    /// From API 1.42 the framed stream has a content type of its own.
    static func knowsMultiplexed(_ version: String?) -> Bool {
        guard let parts = version?.split(separator: "."), parts.count == 2, let minor = Int(parts[1]) else {
            return true
        }
        return (Int(parts[0]) ?? 0, minor) >= (1, 42)
    }

    private func kill(_ request: HTTPRequest) async throws -> HTTPResponse {
        let record = try await find(request)
        try await engine.kill(record.id, signal: SignalName.number(request.query["signal"] ?? "KILL"))
        return HTTPResponse(.noContent)
    }

    private func stop(_ request: HTTPRequest) async throws -> HTTPResponse {
        let record = try await find(request)
        guard record.state == .running else { return HTTPResponse(.notModified) }
        let grace = record.specification.spec.stopGracePeriod.map { Duration.nanoseconds(max(0, $0)) }
        let asked = try request.query.integer("t").map { Duration.seconds(min(max(0, $0), 86_400)) }
        try await engine.stop(record.id, grace: asked ?? grace ?? .seconds(Self.defaultGrace))
        return HTTPResponse(.noContent)
    }

    private func remove(_ request: HTTPRequest) async throws -> HTTPResponse {
        let record = try await find(request)
        try await engine.remove(record.id, force: request.query.flag("force"))
        return HTTPResponse(.noContent)
    }
}

extension ContainerEngine {
    /// Whether a container writes no more.
    func hasEnded(_ id: String) -> Bool { entries[id].map { $0.record.state == .exited } ?? true }
}
