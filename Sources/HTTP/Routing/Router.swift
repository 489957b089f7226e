/// Answers a request. What it throws becomes an error answer (`HTTPError`, `HTTPErrorConvertible`, else 500).
public typealias HTTPHandler = nonisolated(nonsending) @Sendable (HTTPRequest) async throws -> HTTPResponse

/// Finds the handler for a method and path.
///
/// Patterns hold literals, `{name}` for one segment, `v{name}` for the rest of one, and `{name...}` for any number of
/// segments, with literals behind it if need be (`/images/{name...}/json`; at the end it may be empty). A literal goes
/// before a capture, a capture before `...`, a longer tail before a shorter. HEAD falls back to GET. Captures arrive
/// percent-decoded in `HTTPRequest.captures`.
public struct Router: Sendable {
    private struct Route: Sendable {
        let pattern: RoutePattern
        let handler: HTTPHandler
    }

    private struct Tail: Sendable {
        let name: String
        let literals: [String]
        var routes: [HTTPMethod: Route]
    }

    private struct Branch: Sendable {
        let prefix: String
        let node: Int
    }

    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var captures: [Branch] = []
        var tails: [Tail] = []
        var routes: [HTTPMethod: Route] = [:]
    }

    /// Segments of a path; a longer one is not found.
    public static let segmentLimit = 256

    private var nodes = [Node()]
    private let prefixes: [String]

    /// - Parameter prefixes: each pattern is registered behind each of these, for instance `["", "/v{version}"]`.
    public init(prefixes: [String] = [""]) { self.prefixes = prefixes }

    /// Registers a route. The same method and pattern twice is a programmer's error.
    public mutating func on(_ method: HTTPMethod, _ pattern: String, _ handler: @escaping HTTPHandler) {
        for prefix in prefixes {
            add(method, Route(pattern: RoutePattern(prefix + pattern), handler: handler))
        }
    }

    /// Answers GET on a pattern; see `on`.
    public mutating func get(_ pattern: String, _ handler: @escaping HTTPHandler) { on(.get, pattern, handler) }
    /// Answers HEAD on a pattern; see `on`.
    public mutating func head(_ pattern: String, _ handler: @escaping HTTPHandler) { on(.head, pattern, handler) }
    /// Answers POST on a pattern; see `on`.
    public mutating func post(_ pattern: String, _ handler: @escaping HTTPHandler) { on(.post, pattern, handler) }
    /// Answers PUT on a pattern; see `on`.
    public mutating func put(_ pattern: String, _ handler: @escaping HTTPHandler) { on(.put, pattern, handler) }
    /// Answers DELETE on a pattern; see `on`.
    public mutating func delete(_ pattern: String, _ handler: @escaping HTTPHandler) { on(.delete, pattern, handler) }

    /// Calls the handler of the matching route.
    ///
    /// - Throws: `HTTPError` 404 where no pattern matches, 405 with `Allow` where one does but not for this method, and
    ///   what the handler throws.
    public nonisolated(nonsending) func respond(to request: HTTPRequest) async throws -> HTTPResponse {
        let segments = Self.split(request.path)
        var search = Search(method: request.method, segments: segments)
        guard segments.count <= Self.segmentLimit, let route = find(&search, node: 0, index: 0) else {
            throw Self.notFound(request, search.allowed)
        }
        var request = request
        request.captures = try Self.captures(route.pattern, segments)
        var response = try await route.handler(request)
        if response.route == nil { response.route = route.pattern.text }
        return response
    }

    private mutating func add(_ method: HTTPMethod, _ route: Route) {
        var node = 0
        for (index, segment) in route.pattern.segments.enumerated() {
            switch segment {
            case .literal(let text):
                node = nodes[node].literals[text] ?? branch { $0[node].literals[text] = $1 }
            case .capture(let prefix, _):
                node =
                    nodes[node].captures.first { $0.prefix == prefix }?.node
                    ?? branch {
                        $0[node].captures.append(Branch(prefix: prefix, node: $1))
                        $0[node].captures.sort { $0.prefix.utf8.count > $1.prefix.utf8.count }
                    }
            case .rest(let name):
                return addTail(name, Array(route.pattern.segments[(index + 1)...]), to: node, method, route)
            }
        }
        precondition(nodes[node].routes[method] == nil, "\(method) \(route.pattern.text) is registered twice")
        nodes[node].routes[method] = route
    }

    private mutating func branch(_ link: (inout [Node], Int) -> Void) -> Int {
        nodes.append(Node())
        link(&nodes, nodes.count - 1)
        return nodes.count - 1
    }

    private mutating func addTail(
        _ name: String, _ segments: [RoutePattern.Segment], to node: Int, _ method: HTTPMethod, _ route: Route
    ) {
        let literals = segments.compactMap { if case .literal(let text) = $0 { text } else { nil } }
        let index =
            nodes[node].tails.firstIndex { $0.literals == literals }
            ?? {
                nodes[node].tails.append(Tail(name: name, literals: literals, routes: [:]))
                nodes[node].tails.sort { $0.literals.count > $1.literals.count }
                return nodes[node].tails.firstIndex { $0.literals == literals } ?? 0
            }()
        precondition(nodes[node].tails[index].routes[method] == nil, "\(route.pattern.text) is registered twice")
        nodes[node].tails[index].routes[method] = route
    }

    /// A walk through the tree for one request; remembers which methods matching patterns had.
    private struct Search {
        let method: HTTPMethod
        let segments: [String]
        var allowed: Set<String> = []

        mutating func pick(_ routes: [HTTPMethod: Route]) -> Route? {
            if let route = routes[method] { return route }
            if method == .head, let route = routes[.get] { return route }
            allowed.formUnion(routes.keys.map(\.name))
            return nil
        }
    }

    private func find(_ search: inout Search, node: Int, index: Int) -> Route? {
        let segments = search.segments
        if index == segments.count {
            if let route = search.pick(nodes[node].routes) { return route }
        } else {
            let segment = segments[index]
            if let next = nodes[node].literals[segment],
                let route = find(&search, node: next, index: index + 1)
            {
                return route
            }
            for branch in nodes[node].captures
            where segment.utf8.count > branch.prefix.utf8.count && segment.hasPrefix(branch.prefix) {
                if let route = find(&search, node: branch.node, index: index + 1) { return route }
            }
        }
        for tail in nodes[node].tails where matches(tail, segments[index...]) {
            if let route = search.pick(tail.routes) { return route }
        }
        return nil
    }

    private func matches(_ tail: Tail, _ segments: ArraySlice<String>) -> Bool {
        if tail.literals.isEmpty { return true }
        return segments.count > tail.literals.count && segments.suffix(tail.literals.count).elementsEqual(tail.literals)
            && segments.dropLast(tail.literals.count) != [""]
    }

    private static func split(_ path: String) -> [String] {
        let bytes = path.utf8
        var segments: [String] = []
        var start = bytes.index(bytes.startIndex, offsetBy: 1, limitedBy: bytes.endIndex) ?? bytes.endIndex
        while segments.count <= segmentLimit {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "/")) ?? bytes.endIndex
            segments.append(String(path[start..<end]))
            guard end < bytes.endIndex else { break }
            start = bytes.index(after: end)
        }
        return segments
    }

    private static func captures(
        _ pattern: RoutePattern, _ segments: [String]
    ) throws(HTTPError) -> [String: String] {
        var captures: [String: String] = [:]
        for (index, segment) in pattern.segments.enumerated() {
            switch segment {
            case .literal: continue
            case .capture(let prefix, let name):
                captures[name] = try PercentCoding.decode(
                    String(Substring(segments[index].utf8.dropFirst(prefix.utf8.count))))
            case .rest(let name):
                let end = segments.count - (pattern.segments.count - index - 1)
                let text = index < end ? segments[index..<end].joined(separator: "/") : ""
                captures[name] = try PercentCoding.decode(text)
                return captures
            }
        }
        return captures
    }

    private static func notFound(_ request: HTTPRequest, _ allowed: Set<String>) -> HTTPError {
        if allowed.isEmpty { return HTTPError(.notFound, "page not found: \(request.method) \(request.path)") }
        var names = allowed
        if names.contains("GET") { names.insert("HEAD") }
        let list = names.sorted().joined(separator: ", ")
        return HTTPError(
            .methodNotAllowed, "method \(request.method) is not allowed here, only \(list)", headers: ["Allow": list])
    }
}
