import Glibc
import Platform

/// `clusterd resolver`: the entry point of the resolver process.
public enum ResolverCommand {
    static let usage = """
        Usage: clusterd resolver --run-dir DIR [--upstream IP[:PORT]]... [--resolv-conf FILE] [--log-level LEVEL]

        Answers the containers of this node by name. Started by clusterd, and outlives it.
        """

    struct Options: Equatable {
        var runDirectory: String
        var upstreams: [SocketAddress] = []
        var resolvConf = UpstreamServers.hostFile
        var logLevel = Logger.Level.info
    }

    /// Runs the resolver with the arguments after `resolver`; the exit code.
    public static func run(arguments: [String]) async -> Int32 {
        do {
            let options = try parse(arguments)
            Logger.level = options.logLevel
            let upstreams =
                options.upstreams.isEmpty
                ? UpstreamSource(file: options.resolvConf)
                : UpstreamSource(fixed: UpstreamServers(options.upstreams))
            try await ResolverProcess.run(runDirectory: options.runDirectory, upstreams: upstreams)
            return 0
        } catch let error as ResolverError where error.code == .badArguments {
            report("clusterd resolver: \(error.message)\n\n\(usage)")
            return 2
        } catch {
            report("clusterd resolver: \(error)")
            return 1
        }
    }

    static func parse(_ arguments: [String]) throws(ResolverError) -> Options {
        var options = Options(runDirectory: "")
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw ResolverError(.badArguments, "\(flag) needs a value") }
            switch flag {
            case "--run-dir": options.runDirectory = value
            case "--resolv-conf": options.resolvConf = value
            case "--upstream":
                guard let server = address(value) else {
                    throw ResolverError(.badArguments, "--upstream: '\(value)' is not IP or IP:PORT")
                }
                options.upstreams.append(server)
            case "--log-level":
                guard let level = Logger.Level(name: value) else {
                    throw ResolverError(.badArguments, "--log-level: '\(value)' is none of debug, info, warning, error")
                }
                options.logLevel = level
            default: throw ResolverError(.badArguments, "unknown flag \(flag)")
            }
        }
        guard !options.runDirectory.isEmpty else { throw ResolverError(.badArguments, "--run-dir is needed") }
        return options
    }

    private static func address(_ text: String) -> SocketAddress? {
        if let address = HostAddress(text) {
            switch address {
            case .ipv4(let address): return .ipv4(address, 53)
            case .ipv6(let address): return .ipv6(address, 53)
            }
        }
        let address = SocketAddress.parse(text)
        if case .unix = address { return nil }
        return address
    }

    private static func report(_ text: String) {
        try? Files.write(STDERR_FILENO, Array("\(text)\n".utf8), "standard error")
    }
}
