import Discovery
import FoundationEssentials
import HTTP
import Model
import Platform

/// One call that the audit log holds: who, what, from where, and what came of it. Nothing of bodies but an object's name, and the keys
/// that a transaction writes; nothing of queries and headers.
struct AuditEntry: Sendable {
    private enum Limits {
        static let pathBytes = 1_024
        static let nameBytes = 1_024
    }

    /// What only looks, but gives away what lets others in.
    private static let sensitive: Set<Substring> = ["swarm", "swarm/unlockkey", "swarm/backup"]

    var time: Timestamp
    var caller: Caller
    var from: String
    var method: String
    var path: String
    /// The name of what was to be made, or what a transaction was to write, where only the body says it.
    var object: String?
    var status: Int
    var duration: Duration

    /// Whether a call is written down: every one that may change something, and those that give away what lets others in.
    static func isWorthy(_ request: HTTPRequest) -> Bool {
        guard request.method == .get || request.method == .head else { return true }
        // Behind any version, also one that is none.
        let whole = request.path.drop { $0 != "/" }.dropFirst()
        let behind = whole.drop { $0 != "/" }.dropFirst()
        return sensitive.contains(whole) || sensitive.contains(behind)
    }

    /// The name in the body of a call that makes something; the body is whole then.
    ///
    /// - Throws: `HTTPError` 413 for more than such a body may have.
    static func object(of request: inout HTTPRequest) async throws -> String? {
        let path = plain(request.path)
        guard request.method == .post, path.hasSuffix("/create") || path == "swarm/client-certificate",
            !path.hasPrefix("images/")
        else { return nil }
        let bytes = try await request.body.collect(upTo: HTTPJSON.defaultLimit)
        request.body = HTTPBody(bytes)
        return (try? HTTPJSON.decode(Named.self, from: bytes))?.name ?? request.query["name"]
    }

    /// What the body of a transaction would write, verb and key; the body is whole then. Nil for another call, and for what only reads.
    ///
    /// - Throws: `HTTPError` 413 for more than such a body may have.
    static func object(ofTransaction request: inout HTTPRequest) async throws -> String? {
        guard request.path == "/v1/txn" else { return nil }
        let bytes = try await request.body.collect(upTo: DiscoveryAPI.transactionBytes)
        request.body = HTTPBody(bytes)
        let writes = DiscoveryAPI.writes(ofTransaction: bytes)
        return writes.isEmpty ? nil : writes.joined(separator: ", ")
    }

    private struct Named: Decodable {
        let name: String?

        enum CodingKeys: String, CodingKey { case name = "Name" }
    }

    /// Without the version and the first slash.
    private static func plain(_ path: String) -> String {
        CallPattern.segments(path).joined(separator: "/")
    }

    /// One line of JSON.
    var line: [UInt8] {
        let member = { (name: String, value: String) in "\"\(name)\":\(JSONText.quoted(value))" }
        var members = [
            member("time", time.description), member("who", caller.description), member("by", caller.proof),
            member("from", from), member("method", method), member("path", Self.cut(path, Limits.pathBytes)),
        ]
        if let object { members.append(member("object", Self.cut(object, Limits.nameBytes))) }
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        members += ["\"status\":\(status)", "\"milliseconds\":\(milliseconds)"]
        return Array(("{" + members.joined(separator: ",") + "}\n").utf8)
    }

    private static func cut(_ text: String, _ limit: Int) -> String {
        text.utf8.count <= limit ? text : String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "..."
    }
}

extension Caller {
    /// What says who it is.
    var proof: String {
        switch identity {
        case .local: "socket"
        case .manager: "channel"
        case .client: "certificate"
        case .token: "token"
        case .anyone: "nothing"
        }
    }
}
