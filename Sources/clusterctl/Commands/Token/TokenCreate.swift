import HTTP
import Model
import Platform

/// Makes what a program proves itself with.
enum TokenCreate: Command {
    static let syntax = Syntax(
        path: ["token", "create"], summary: "Make a word by which a program may use the API, as far as a policy says",
        positionals: [.init("NAME", "what it is called; 'anonymous' is for those on the discovery port who show none")],
        options: [
            .required("policy", "FILE", "a policy, - for standard input, or the JSON itself"),
            .value("ttl", "DURATION", "how long it holds (default: until it is removed)"),
            .flag("quiet", short: "q", "print only the token"),
        ],
        notes: [
            """
            A policy is a list of what is allowed:
                {"rules": [{"kind": "key", "prefix": "app/", "access": "write"},
                           {"kind": "service", "labels": ["team=web"], "access": "write"}, {"kind": "node", "access": "read"}]}
            Kinds: * service task node network secret config container image volume key session cluster. Access: read, write,
            admin, each with those before it. Labels, KEY=VALUE or KEY, choose among services, networks, nodes, secrets and
            configs, and tasks by their service; what is made or changed must carry them, too. A service may use the secrets,
            configs and networks that its writer may read; to bind a node's files or add capabilities takes admin of service, to
            promote, demote or remove a node admin of node; tokens, certificates and backups admin of cluster.
            """,
            "It is shown once: the cluster keeps only its digest. Programs send it as 'Authorization: Bearer TOKEN', or in "
                + "Consul's ways on the discovery API; clusterctl takes it from $CLUSTER_TOKEN.",
            "The discovery port asks for nothing until there is a token named anonymous, whose policy then holds for those who "
                + "show none: {\"rules\": []} shuts them out.",
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let text = arguments.value("policy") ?? ""
        let bytes = text.hasPrefix("{") ? Array(text.utf8) : try Upload(path: text).bytes(upTo: 1 << 20)
        // As it was written: what the daemon does not understand of it, it names.
        let policy = try HTTPJSON.decode(JSONValue.self, from: bytes)
        var request: [String: JSONValue] = ["Name": .string(arguments.positionals[0]), "Policy": policy]
        if let ttl = try arguments.nanoseconds("ttl") { request["TTL"] = .integer(ttl) }
        let made = try await session.engine.fetch(
            Fetched<AccessTokenDetail>.self, ["tokens", "create"], method: .post, json: JSONValue.object(request))
        switch session.format {
        case .json, .template: try session.show([made.raw])
        case .table:
            session.console.line(made.value.token ?? made.value.id)
            if made.value.token != nil, !arguments.flag("quiet") {
                session.console.warn("It is not shown again.")
            }
        }
    }
}
