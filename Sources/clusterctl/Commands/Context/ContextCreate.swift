import FoundationEssentials

/// Gives a cluster's API a name.
enum ContextCreate: Command {
    static let syntax = Syntax(
        path: ["context", "create"], summary: "Give a cluster's API a name: where it is, and what proves who asks",
        positionals: [.init("NAME", "what it is called")],
        options: [.flag("use", "ask it from now on, unless something else is said")],
        notes: [
            "--host says where, --tls (or --tls-ca, --tls-cert, --tls-key) with what. The files stay where they are.",
            "$CLUSTER_CONTEXT and --context name another one for once; so do $CLUSTER_HOST and --host.",
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let name = arguments.positionals[0]
        guard let host = arguments.value("host") else { throw arguments.usage("--host is missing: tcp://IP:PORT") }
        let isPlain = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [45, 46, 95].contains(byte)
        }
        guard !name.isEmpty, isPlain, name != Contexts.local else {
            throw arguments.usage("NAME '\(name)': letters, digits, '-', '_' and '.' are wanted, and not 'default'")
        }
        var contexts = try Contexts.load(session.environment)
        let endpoint = try Endpoint(host)
        let files = try Destination.tls(arguments).map(absolute)
        if let files { _ = try files.context(for: endpoint.address) }
        contexts.contexts[name] = .init(host: host, tls: files)
        if arguments.flag("use") { contexts.current = name }
        try contexts.save(session.environment)
        session.console.line(name)
    }

    /// The command is given in one folder, and used in others.
    private static func absolute(_ files: TLSFiles) -> TLSFiles {
        let whole = { (path: String) in
            path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        }
        return TLSFiles(
            authority: whole(files.authority), certificate: files.certificate.map(whole), key: files.key.map(whole))
    }
}
