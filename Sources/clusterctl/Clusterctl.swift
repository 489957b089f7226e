import Glibc
import HTTP
import Model
import Platform

/// The command line: finds the command, runs it, turns errors into words and an exit status.
@main
enum Clusterctl {
    static func main() async {
        var environment: [String: String] = [:]
        for name in [
            "CLUSTER_HOST", "CLUSTER_CONTEXT", "CLUSTER_CERT_PATH", "CLUSTER_TOKEN", "HOME", "XDG_CONFIG_HOME",
        ] {
            environment[name] = getenv(name).map { String(cString: $0) }
        }
        let words = Array(CommandLine.arguments.dropFirst())
        exit(await run(words, environment: environment, console: .standard()))
    }

    /// Runs one command line and returns its exit status: 0 done, 1 failed, 64 not understood, 69 no daemon reached.
    static func run(_ words: [String], environment: [String: String], console: Console) async -> Int32 {
        do {
            switch try CommandTree.resolve(words) {
            case .help(let text): console.write(text)
            case .run(let command, let rest):
                let arguments = try ArgumentParser.parse(rest, for: command.syntax)
                guard !arguments.flag("help") else {
                    console.write(HelpText.command(command.syntax))
                    return 0
                }
                let session = try session(arguments, environment: environment, console: console)
                do {
                    try await command.run(arguments, in: session)
                } catch let error as EngineError {
                    throw await Advice.failure(for: error, session: session)
                } catch let error as UsageError where error.path.isEmpty {
                    throw UsageError(error.message, path: command.syntax.path)
                }
            }
            return 0
        } catch let error as UsageError {
            console.warn("clusterctl: \(error)")
            return Failure.Exit.usage
        } catch let error as Failure {
            console.warn("clusterctl: \(error)")
            return error.exitStatus
        } catch {
            console.warn("clusterctl: \(error)")
            return Failure.Exit.failed
        }
    }

    private static func session(
        _ arguments: Arguments, environment: [String: String], console: Console
    ) throws -> Session {
        // The commands that mend contexts must not need a good one.
        let destination =
            arguments.path.first == "context"
            ? Destination(host: Endpoint.defaultHost) : try Destination.resolve(arguments, environment)
        let endpoint = try Endpoint(destination.host)
        let format = try OutputFormat(arguments.value("format"))
        let loop = try EventLoop(name: "clusterctl")
        let client = try client(endpoint, destination.tls, loop)
        let token = destination.tls == nil ? nil : environment["CLUSTER_TOKEN"]
        let engine = Engine(endpoint: endpoint, isSecured: destination.tls != nil, token: token) {
            try await client.send($0)
        }
        return Session(
            engine: engine, console: console, format: format, host: arguments.value("host"), environment: environment)
    }

    private static func client(_ endpoint: Endpoint, _ files: TLSFiles?, _ loop: EventLoop) throws -> HTTPClient {
        guard let files else { return HTTPClient(endpoint.address, loop: loop) }
        let context = try files.context(for: endpoint.address)
        let limits = HTTPClientLimits()
        return HTTPClient(host: "\(endpoint.address)", loop: loop, limits: limits) {
            let stream = try await SocketStream.connect(
                to: endpoint.address, loop: loop, timeout: limits.connectTimeout)
            return try await TLSStream.handshake(over: stream, context, within: limits.connectTimeout, on: loop)
        }
    }
}
