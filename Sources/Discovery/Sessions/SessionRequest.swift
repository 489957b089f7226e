import HTTP
import Platform

/// What a client asks for who begins a session.
struct SessionRequest {
    enum Limits {
        static let bodyBytes = 64 << 10
        static let textBytes = 1024
        static let checks = 64
        static let leastTTL = Duration.seconds(10)
        static let greatestTTL = Duration.seconds(86_400)
        static let defaultLockDelay = Duration.seconds(15)
        static let greatestLockDelay = Duration.seconds(60)
        /// A lock delay that is a number below it is one of seconds, else of nanoseconds: Consul's rule.
        static let secondsBelow: Double = 1_000
    }

    /// The check that stands for the node's own health.
    static let nodeHealth = "serfHealth"

    /// Without an id; the node is empty where the request names none.
    private(set) var session: KeySession

    /// - Parameter body: JSON, or nothing.
    /// - Throws: `HTTPError` 400 that says what is wrong.
    init(parsing body: [UInt8]) throws(HTTPError) {
        let json = body.isEmpty ? LooseJSON.object([:]) : try LooseJSON.parse(body)
        guard case .object = json else { throw HTTPError(.badRequest, "Request decode failed: an object is wanted") }
        session = KeySession(id: "")
        session.name = try Self.text(json, "name") ?? ""
        session.node = try Self.text(json, "node") ?? ""
        switch try json.string("behavior") ?? "" {
        case "", "release": session.behavior = .release
        case "delete": session.behavior = .delete
        case let other: throw HTTPError(.badRequest, "Invalid Behavior setting '\(other)': release or delete")
        }
        session.ttlText = try Self.text(json, "ttl") ?? ""
        session.ttl = try Self.ttl(session.ttlText)
        if session.ttl == .zero { session.ttlText = "" }
        session.lockDelay = try Self.lockDelay(json.member("lockdelay"))
        session.checks = try Self.checks(json)
    }

    private static func text(_ json: LooseJSON, _ name: String) throws(HTTPError) -> String? {
        guard let text = try json.string(name) else { return nil }
        guard text.utf8.count <= Limits.textBytes else {
            throw HTTPError(.badRequest, "'\(name)' is longer than \(Limits.textBytes) bytes")
        }
        return text
    }

    private static func ttl(_ text: String) throws(HTTPError) -> Duration {
        if text.isEmpty { return .zero }
        guard let ttl = QueryDuration.parse(text) else {
            throw HTTPError(.badRequest, "Request TTL decode failed: '\(text)' is no duration such as 30s")
        }
        guard ttl == .zero || (Limits.leastTTL...Limits.greatestTTL).contains(ttl) else {
            throw HTTPError(
                .badRequest,
                "Invalid Session TTL '\(text)', must be between [\(QueryDuration.text(Limits.leastTTL))="
                    + "\(QueryDuration.text(Limits.greatestTTL))]")
        }
        return ttl
    }

    private static func lockDelay(_ value: LooseJSON?) throws(HTTPError) -> Duration {
        let delay: Duration? =
            switch value {
            case nil: Limits.defaultLockDelay
            case .string(let text)?: text.isEmpty ? Limits.defaultLockDelay : QueryDuration.parse(text)
            case .unsigned(let number)?: Self.lockDelay(of: Double(number))
            case .number(let number)?: Self.lockDelay(of: number)
            default: nil
            }
        guard let delay else {
            throw HTTPError(.badRequest, "Request decode failed: 'LockDelay' must be a duration such as 15s")
        }
        return min(delay, Limits.greatestLockDelay)
    }

    private static func lockDelay(of number: Double) -> Duration? {
        guard number.isFinite, number >= 0 else { return nil }
        let nanoseconds = number < Limits.secondsBelow ? number * 1e9 : number
        return .nanoseconds(Int64(min(nanoseconds, Double(Limits.greatestLockDelay.nanoseconds))))
    }

    private static func checks(_ json: LooseJSON) throws(HTTPError) -> [String] {
        var named = try json.strings("nodechecks")
        if named == nil { named = try json.strings("checks") }
        if let services = json.member("servicechecks"), case .array(let all) = services, !all.isEmpty {
            throw HTTPError(
                .badRequest, "Missing check: there are no checks of services that a session could depend on")
        }
        let checks = named ?? [nodeHealth]
        guard checks.count <= Limits.checks else { throw HTTPError(.badRequest, "too many checks") }
        if let unknown = checks.first(where: { $0 != nodeHealth }) {
            throw HTTPError(
                .badRequest, "Missing check '\(unknown)' registration: a session can depend on \(nodeHealth) only")
        }
        return checks.isEmpty ? [] : [nodeHealth]
    }
}
