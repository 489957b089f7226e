import Platform

/// Which daemon is asked, and how one proves oneself there.
struct Destination: Sendable, Equatable {
    var host: String
    var tls: TLSFiles?

    /// From the command line, else from the environment, else from the context in use, else the socket on this machine.
    ///
    /// - Throws: `UsageError` for what does not go together, `Failure` for a context that is not there.
    static func resolve(_ arguments: Arguments, _ environment: [String: String]) throws -> Destination {
        let variable = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let host = arguments.value("host")
        let context = arguments.value("context")
        if host != nil, context != nil { throw arguments.usage("--host and --context exclude each other") }
        let files = try tls(arguments) ?? variable("CLUSTER_CERT_PATH").map(TLSFiles.inFolder)
        if let host = host ?? (context == nil ? variable("CLUSTER_HOST") : nil) {
            return Destination(host: host, tls: host.hasPrefix("tcp://") ? files : try tls(arguments))
        }
        let contexts = try Contexts.load(environment)
        let name = context ?? variable("CLUSTER_CONTEXT") ?? contexts.current ?? Contexts.local
        let found = try contexts.find(name)
        return Destination(host: found.host, tls: try tls(arguments) ?? found.tls)
    }

    /// What the command line says of it; nil for nothing.
    static func tls(_ arguments: Arguments) throws(UsageError) -> TLSFiles? {
        let (ca, certificate, key) = (
            arguments.value("tls-ca"), arguments.value("tls-cert"), arguments.value("tls-key")
        )
        guard (certificate == nil) == (key == nil) else {
            throw arguments.usage("--tls-cert and --tls-key go together")
        }
        let folder = arguments.value("tls").map(TLSFiles.inFolder)
        guard let authority = ca ?? folder?.authority else {
            guard certificate == nil else { throw arguments.usage("--tls-cert wants --tls-ca, or --tls DIR") }
            return nil
        }
        return TLSFiles(
            authority: authority, certificate: certificate ?? folder?.certificate, key: key ?? folder?.key)
    }
}
