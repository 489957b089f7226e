import Platform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension DaemonConfiguration {
    /// One flag: what it sets, and its line in `--help`.
    private struct Flag: Sendable {
        let name: String
        /// What stands for its value; nil where it has none.
        let value: String?
        let help: String
        let set: @Sendable (inout DaemonConfiguration, String) throws -> Void
    }

    private static let flags: [Flag] = [
        Flag(name: "data-dir", value: "PATH", help: "what must survive a reboot (/var/lib/clusterd)") {
            $0.dataDirectory = try absolute($1, "data-dir")
        },
        Flag(name: "run-dir", value: "PATH", help: "sockets and what must survive a restart (/run/clusterd)") {
            $0.runDirectory = try absolute($1, "run-dir")
        },
        Flag(name: "host", value: "ADDRESS", help: "serve the API here; may be repeated (unix://RUN-DIR/clusterd.sock)")
        {
            $0.hosts.append(try address($1, "host"))
        },
        Flag(name: "tls-ca", value: "FILE", help: "whose clients the API over TCP takes (the cluster's own root)") {
            $0.apiTLS = $0.apiTLS.with(\.authority, try absolute($1, "tls-ca"))
        },
        Flag(name: "tls-cert", value: "FILE", help: "its certificate (on a manager, one that it issues itself)") {
            $0.apiTLS = $0.apiTLS.with(\.certificate, try absolute($1, "tls-cert"))
        },
        Flag(name: "tls-key", value: "FILE", help: "the key of that") {
            $0.apiTLS = $0.apiTLS.with(\.key, try absolute($1, "tls-key"))
        },
        Flag(
            name: "dangerously-open-api", value: nil,
            help: "tcp hosts without TLS and to anybody: whoever reaches them is root on every node"
        ) { configuration, _ in configuration.opensAPI = true },
        Flag(
            name: "audit-log", value: "FILE",
            help: "write down who changed what through the API, or off (DATA-DIR/audit.log)"
        ) { $0.auditLog = $1 == "off" ? .off : .file(try absolute($1, "audit-log")) },
        Flag(name: "audit-discovery", value: nil, help: "write down as well who changed what on the discovery port") {
            configuration, _ in configuration.auditsDiscovery = true
        },
        Flag(name: "name", value: "NAME", help: "the node's name in the cluster (the host's name)") { $0.name = $1 },
        Flag(name: "listen-addr", value: "IP:PORT", help: "the cluster port (0.0.0.0:2377)") {
            $0.listenAddress = try address($1, "listen-addr", defaultPort: 2377)
        },
        Flag(name: "advertise-addr", value: "IP[:PORT]", help: "where other nodes reach the cluster port") {
            $0.advertiseAddress = try address($1, "advertise-addr", defaultPort: 2377)
        },
        Flag(name: "data-path-addr", value: "IP", help: "where overlay traffic comes in (the advertised address)") {
            guard let value = IPv4Address($1) else {
                throw ConfigurationError("--data-path-addr \($1): not an IPv4 address")
            }
            $0.dataPathAddress = value
        },
        Flag(name: "data-path-port", value: "PORT", help: "UDP port of overlay traffic, the same on all nodes (4789)") {
            guard let value = UInt16($1), value > 0 else {
                throw ConfigurationError("--data-path-port \($1): not a port")
            }
            $0.dataPathPort = value
        },
        Flag(name: "discovery-addr", value: "IP:PORT", help: "serve the Consul HTTP API here, or off (127.0.0.1:8500)")
        {
            $0.discoveryAddress = $1 == "off" ? nil : try address($1, "discovery-addr", defaultPort: 8500)
        },
        Flag(
            name: "lease-reads", value: "on|off",
            help: "off: a majority confirms each read, whatever clocks do (on)"
        ) {
            guard ["on", "off"].contains($1) else { throw ConfigurationError("--lease-reads \($1): on or off") }
            $0.readsByLease = $1 == "on"
        },
        Flag(name: "metrics-addr", value: "IP:PORT", help: "serve Prometheus metrics here (off)") {
            $0.metricsAddress = try address($1, "metrics-addr")
        },
        Flag(name: "runtime", value: "NAME", help: "runc, crun, runsc or the path of an OCI runtime (runc)") {
            $0.runtime = $1
        },
        Flag(
            name: "snapshot-entries", value: "N",
            help: "entries of a manager's log between snapshots of its state (50000)"
        ) {
            guard let value = UInt64($1), (1...1_000_000_000).contains(value) else {
                throw ConfigurationError("--snapshot-entries \($1): a number from 1 to 1000000000")
            }
            $0.snapshotEntries = value
        },
        Flag(
            name: "force-new-cluster", value: nil,
            help: "once, on the last manager of a cluster that lost its quorum for good: it goes on alone"
        ) { configuration, _ in configuration.forcesNewCluster = true },
        Flag(name: "config", value: "FILE", help: "a file of 'flag = value' lines; flags given here win") {
            try $0.read(file: $1)
        },
        Flag(name: "log-level", value: "LEVEL", help: "debug, info, warning or error (info)") {
            guard let level = Logger.Level(name: $1) else {
                throw ConfigurationError("--log-level \($1): one of debug, info, warning, error")
            }
            $0.logLevel = level
        },
        Flag(name: "log-format", value: "FORMAT", help: "text or json (text)") {
            switch $1 {
            case "text": $0.logFormat = .text
            case "json": $0.logFormat = .json
            default: throw ConfigurationError("--log-format \($1): text or json")
            }
        },
    ]

    /// The text of `clusterd --help`.
    public static var usage: String {
        var text = """
            usage: clusterd [FLAGS]
            A node of a Martlet cluster: runs containers, and manages the cluster where it is told to.

            Flags:

            """
        let rows = flags.map { ("--\($0.name)" + ($0.value.map { " " + $0 } ?? ""), $0.help) }
        let width = 2 + (rows.map(\.0.utf8.count).max() ?? 0)
        for (left, help) in rows {
            text += "  " + left + String(repeating: " ", count: width - left.utf8.count) + help + "\n"
        }
        return text
            + """
              --help, --version

            Next: `clusterctl init` makes a cluster of this node, `clusterctl join` adds it to one.
            """
    }

    /// Reads flags (`--name value` or `--name=value`), those of `--config FILE` first whatever their place.
    public init(arguments: [String]) throws {
        self.init()
        let given = try Self.split(arguments)
        for (flag, value) in given where flag.name == "config" { try flag.set(&self, value) }
        if given.contains(where: { $0.0.name == "host" }) { hosts = [] }
        for (flag, value) in given where flag.name != "config" { try flag.set(&self, value) }
        try checkSocketPaths()
        try checkTLS()
    }

    private static func split(_ arguments: [String]) throws -> [(Flag, String)] {
        var given: [(Flag, String)] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("--") else {
                throw ConfigurationError("unexpected argument '\(argument)'; see clusterd --help")
            }
            let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts.first.map(String.init) ?? ""
            guard let flag = flags.first(where: { $0.name == name }) else {
                throw ConfigurationError("unknown flag --\(name); see clusterd --help")
            }
            guard let placeholder = flag.value else {
                guard parts.count == 1 else { throw ConfigurationError("--\(name) takes no value") }
                given.append((flag, ""))
                continue
            }
            guard let value = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw ConfigurationError("--\(name) needs a value (\(placeholder))")
            }
            given.append((flag, value))
        }
        return given
    }

    private mutating func read(file: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try Files.read(file, limit: Limits.configurationBytes)
        } catch {
            throw ConfigurationError("--config \(file): \(error)")
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            let text = line.prefix { $0 != "#" }.trimmed
            if text.isEmpty { continue }
            let parts = text.split(separator: "=", maxSplits: 1).map(\.trimmed)
            let place = "\(file), line \(number + 1)"
            guard parts.count == 2 else {
                throw ConfigurationError("\(place): expected 'flag = value', as in --help")
            }
            guard let flag = Self.flags.first(where: { $0.name == parts[0] }) else {
                throw ConfigurationError("\(place): unknown flag \(parts[0]); see clusterd --help")
            }
            // What has no value is for one start, which a file would repeat.
            guard flag.name != "config", flag.value != nil else {
                throw ConfigurationError("\(place): --\(flag.name) is for the command line alone")
            }
            try flag.set(&self, String(parts[1]))
        }
    }

    /// A unix socket's path must fit `sockaddr_un` (108 bytes with its end).
    private func checkSocketPaths() throws {
        for case .unix(let path) in hosts + [controlSocket] where path.utf8.count > SocketAddress.unixPathLimit {
            throw ConfigurationError(
                "\(path): a socket's path may have at most \(SocketAddress.unixPathLimit) bytes; choose a shorter --run-dir"
            )
        }
    }

    private func checkTLS() throws {
        guard let files = apiTLS else { return }
        if opensAPI { throw ConfigurationError("--dangerously-open-api and --tls-... exclude each other") }
        guard !files.authority.isEmpty, !files.certificate.isEmpty, !files.key.isEmpty else {
            throw ConfigurationError("--tls-ca, --tls-cert and --tls-key go together")
        }
    }

    private enum Limits {
        static let configurationBytes = 1 << 20
    }
}

extension APITLSFiles? {
    fileprivate func with(_ path: WritableKeyPath<APITLSFiles, String>, _ file: String) -> APITLSFiles {
        var files = self ?? APITLSFiles(authority: "", certificate: "", key: "")
        files[keyPath: path] = file
        return files
    }
}

private func absolute(_ text: String, _ flag: String) throws -> String {
    guard !text.isEmpty else { throw ConfigurationError("--\(flag): empty path") }
    return text.hasPrefix("/") ? text : FileManager.default.currentDirectoryPath + "/" + text
}

private func address(_ text: String, _ flag: String, defaultPort: UInt16? = nil) throws -> SocketAddress {
    if let address = SocketAddress.parse(text) { return address }
    if let defaultPort, let ip = IPv4Address(text) { return .ipv4(ip, defaultPort) }
    throw ConfigurationError("--\(flag) \(text): expected IP:PORT, tcp://IP:PORT or unix:///PATH")
}

extension StringProtocol {
    fileprivate var trimmed: Substring {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return Substring(text)
    }
}
