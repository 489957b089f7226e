import HTTP
import Model
import Platform

/// Prints the root that nodes' certificates come from, or changes it for another.
enum ManagerCA: Command {
    static let syntax = Syntax(
        path: ["manager", "ca"], summary: "The cluster's root certificate; 'manager ca rotate' changes it",
        positionals: [.init("ACTION", "show (which is the default) or rotate", .optional)],
        options: [
            .value("ca-cert", "FILE", "rotate to a root certificate of your own (PEM), instead of a new one"),
            .value("ca-key", "FILE", "its private key (PEM, without a passphrase)"),
            .flag("detach", short: "d", "return at once, without waiting for the nodes"),
            .value("timeout", "DURATION", "how long to wait (default 5m)"),
            .flag("quiet", short: "q", "no progress"),
        ],
        notes: [
            "A change of the root goes node by node: first all trust both, then all get certificates of the next, then all forget "
                + "the former one. Nothing stops meanwhile. A node that is down is waited for; 'node rm --force' gives it up. "
                + "Join tokens are others afterwards."
        ])

    private static let interval: Duration = .milliseconds(200)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        switch arguments.positionals.first ?? "show" {
        case "show": session.console.write(try await state(session).tls.trustRoot)
        case "rotate":
            try await begin(arguments, in: session)
            if !arguments.flag("detach") { try await wait(arguments, in: session) }
        case let other: throw arguments.usage("ACTION '\(other)': wanted is show or rotate")
        }
    }

    /// Where a change is under way already, it is only waited for.
    private static func begin(_ arguments: Arguments, in session: Session) async throws {
        let certificate = try Init.pem(arguments, "ca-cert", besides: "ca-key")
        let key = try Init.pem(arguments, "ca-key", besides: "ca-cert")
        let state = try await state(session)
        if state.rotation?.isUnderWay == true {
            guard certificate == nil else { throw Failure("the root is being changed already, to another one") }
            return
        }
        var config = state.spec["CAConfig"] ?? .object([:])
        let count: Int64 = if case .integer(let count)? = config["ForceRotate"] { count } else { 0 }
        config = config.setting("ForceRotate", .integer(count + 1))
        if let certificate { config = config.setting("SigningCACert", .string(certificate)) }
        if let key { config = config.setting("SigningCAKey", .string(key)) }
        try await session.engine.call(
            .post, ["swarm", "update"], query: [("version", "\(state.version.index)")],
            json: state.spec.setting("CAConfig", config))
    }

    private static func wait(_ arguments: Arguments, in session: Session) async throws {
        let timeout = Duration.nanoseconds(try arguments.nanoseconds("timeout") ?? 300_000_000_000)
        let start = ContinuousClock.now
        let progress = arguments.flag("quiet") ? nil : session.console.progress()
        while true {
            guard let rotation = try await state(session).rotation else { break }
            let nodes = try await session.engine.fetch([Node].self, ["nodes"])
            let text = rotation.text(nodes)
            progress?.show([text])
            guard ContinuousClock.now - start < timeout else {
                progress?.finish()
                throw Failure(
                    "the root is not changed after \(DurationText.human(timeout)): \(text)\nIt goes on by itself once they are "
                        + "back; 'clusterctl node rm --force NODE' gives one up.")
            }
            try await Task.sleep(for: interval)
        }
        progress?.finish()
        guard !arguments.flag("quiet") else { return }
        session.console.line(
            "The cluster has another root, and every node a certificate of it.\n"
                + "Join tokens are others now: clusterctl manager token worker")
    }

    private static func state(_ session: Session) async throws -> RootState {
        try await session.engine.fetch(RootState.self, ["swarm"])
    }
}

/// What of `GET /swarm` is needed here.
private struct RootState: Decodable, Sendable {
    var version: ObjectVersion
    var spec: JSONValue
    var tls: TLS
    var rotation: Rotation?

    struct TLS: Decodable, Sendable {
        var trustRoot: String

        enum CodingKeys: String, CodingKey { case trustRoot = "TrustRoot" }
    }

    struct Rotation: Decodable, Sendable {
        var phase: ClusterSecrets.RootRotation.Phase
        var waiting: [String]

        enum CodingKeys: String, CodingKey {
            case phase = "Phase"
            case waiting = "Waiting"
        }

        var isUnderWay: Bool { phase != .forgetting }

        /// `2 of 3: certificates of the next root: 3 of 5 nodes, waiting for host4 (down)`
        func text(_ nodes: [Node]) -> String {
            let step =
                switch phase {
                case .trusting: "1 of 3: all nodes trust the next root"
                case .issuing: "2 of 3: all nodes have certificates of it"
                case .forgetting: "3 of 3: all nodes forget the former root"
                }
            let left = nodes.filter { waiting.contains($0.id) }.sorted { $0.displayName < $1.displayName }
            let names = left.map { "\($0.displayName) (\($0.status.state.rawValue))" }.joined(separator: ", ")
            return "\(step): \(nodes.count - left.count) of \(nodes.count)"
                + (left.isEmpty ? "" : ", waiting for \(names)")
        }
    }

    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case spec = "Spec"
        case tls = "TLSInfo"
        case rotation = "RootRotation"
    }
}
