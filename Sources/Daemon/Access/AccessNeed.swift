import HTTP
import Model

/// What a call needs a token to allow.
struct AccessNeed: Sendable, Equatable {
    var access: AccessPolicy.Access
    var kind: AccessPolicy.Kind
    /// The key, or the beginning of all keys, that it is about.
    var key: String?

    private static let kinds: [Substring: AccessPolicy.Kind] = [
        "services": .service, "tasks": .task, "nodes": .node, "networks": .network, "secrets": .secret,
        "configs": .config, "containers": .container, "exec": .container, "images": .image, "distribution": .image,
        "build": .image, "volumes": .volume,
    ]

    /// Nil for what anybody may ask who has proved who it is. Whatever is not known here needs everything.
    init?(_ request: HTTPRequest) {
        let isReading = request.method == .get || request.method == .head
        var segments = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if segments.first == "v1" {
            self.init(discovery: request, Array(segments.dropFirst()), isReading)
            return
        }
        segments = CallPattern.withoutVersion(segments)
        let first = segments.first ?? ""
        switch first {
        case "_ping", "version": return nil
        // The route shows what the policy lets be seen.
        case "info" where isReading: return nil
        case "info", "events", "metrics", "system": self.init(access: isReading ? .read : .admin, kind: .cluster)
        default:
            guard let kind = Self.kinds[first] else {
                self.init(access: .admin, kind: .cluster)
                return
            }
            // To take a node out, or to make it a manager, which the route looks at, is more than to write its labels.
            if kind == .node, request.method == .delete {
                self.init(access: .admin, kind: kind)
                return
            }
            // What only looks may still be a way in, or out.
            let isHarmless = isReading && (kind != .container || ReadOnlyCalls.contain(request.method, request.path))
            self.init(access: isHarmless && first != "exec" ? .read : .write, kind: kind)
        }
    }

    private init(access: AccessPolicy.Access, kind: AccessPolicy.Kind, key: String? = nil) {
        self.access = access
        self.kind = kind
        self.key = key
    }

    private init?(discovery request: HTTPRequest, _ segments: [Substring], _ isReading: Bool) {
        switch segments.first {
        case "kv":
            // As the API itself reads the key.
            let text = String(request.path.dropFirst("/v1/kv/".count))
            self.init(access: isReading ? .read : .write, kind: .key, key: try? PercentCoding.decode(text))
        case "txn": self.init(access: .write, kind: .key)
        case "session":
            let isLooking = isReading && ["list", "info", "node"].contains(segments.dropFirst().first ?? "")
            self.init(access: isLooking ? .read : .write, kind: .session)
        case "status" where isReading: return nil
        case "catalog" where isReading, "health" where isReading: self.init(access: .read, kind: .service)
        case "operator": self.init(access: .admin, kind: .key)
        default: self.init(access: .admin, kind: .cluster)
        }
    }
}
