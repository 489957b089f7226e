import HTTP
import Model
import Platform

/// Makes a cluster of this one node.
enum Init: Command {
    static let syntax = Syntax(
        path: ["init"], summary: "Make a cluster, with this node as its first manager",
        options: [
            .value("advertise-addr", "IP[:PORT]", "where the other nodes reach this one"),
            .value("listen-addr", "IP[:PORT]", "where this node listens for the others (default 0.0.0.0:2377)"),
            .value("data-path-addr", "IP", "where the other nodes send the networks' packets to"),
            .value("data-path-port", "PORT", "the UDP port of the networks' packets (default 4789)"),
            .repeated("default-addr-pool", "CIDR", "where networks take their subnets from (default 10.0.0.0/8)"),
            .value("default-addr-pool-mask-length", "BITS", "the prefix length of those subnets (default 24)"),
            .value("availability", "WORD", "active, pause or drain (default active)"),
            .value(
                "cert-expiry", "DURATION",
                "how long nodes' certificates are valid; they are renewed before (default 2160h)"),
            .value("ca-cert", "FILE", "a root certificate of your own (PEM), instead of a new one"),
            .value("ca-key", "FILE", "its private key (PEM, without a passphrase)"),
            .flag("autolock", "managers seal their keys: one that starts has to be unlocked"),
            .flag("quiet", short: "q", "print only the node's id"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var request = SwarmInitRequest(
            listenAddress: arguments.value("listen-addr") ?? "0.0.0.0:2377",
            advertiseAddress: arguments.value("advertise-addr"),
            dataPathAddress: arguments.value("data-path-addr"),
            dataPathPort: try arguments.integer("data-path-port", in: 1024...49_151).map { UInt32($0) },
            availability: try arguments.choice("availability", of: NodeAvailability.words)
                .flatMap(NodeAvailability.init),
            defaultAddressPool: arguments.values["default-addr-pool"],
            subnetSize: try arguments.integer("default-addr-pool-mask-length", in: 8...29).map { UInt32($0) })
        let certificates = ClusterSpec.CAConfig(
            nodeCertificateExpiry: try arguments.nanoseconds("cert-expiry"),
            signingCertificate: try pem(arguments, "ca-cert", besides: "ca-key"),
            signingKey: try pem(arguments, "ca-key", besides: "ca-cert"))
        if certificates != .init() { request.spec = ClusterSpec(caConfig: certificates) }
        if arguments.flag("autolock") { request.autoLockManagers = true }
        let id = try await session.engine.fetch(String.self, ["swarm", "init"], method: .post, json: request)
        guard !arguments.flag("quiet") else { return session.console.line(id) }
        session.console.line("The cluster is made; this node, \(id), is its first manager.")
        let tokens = try await JoinCommand.load(session.engine)
        session.console.line("\nTo add a worker, run on it:\n\n    \(tokens.command(.worker))\n")
        session.console.line("To add a manager, run on it:\n\n    \(tokens.command(.manager))")
        if arguments.flag("autolock") {
            session.console.line("\n" + ManagerUnlockKey.explain(try await ManagerUnlockKey.load(session)))
        }
    }

    /// The text of a file that goes together with another.
    static func pem(_ arguments: Arguments, _ name: String, besides other: String) throws -> String? {
        guard let path = arguments.value(name) else { return nil }
        guard arguments.value(other) != nil else {
            throw arguments.usage("--\(name): a root of your own is a certificate and its key: give --\(other) too")
        }
        return try Files.readText(path, limit: PrivateKey.sizeLimit)
    }
}

extension NodeAvailability {
    static let words = ["active", "pause", "drain"]
}
