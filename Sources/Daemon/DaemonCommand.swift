import Discovery
import Glibc
import HTTP
import Model
import Platform

/// `clusterd`: one node, from start to stop.
public enum DaemonCommand {
    /// Runs until SIGTERM or SIGINT; the exit code.
    public static func run(arguments: [String]) async -> Int32 {
        do {
            let configuration = try DaemonConfiguration(arguments: arguments)
            Logger.level = configuration.logLevel
            Logger.format = configuration.logFormat
            try await run(configuration)
            return 0
        } catch {
            let text = Array("clusterd: \(error)\n".utf8)
            _ = write(STDERR_FILENO, text, text.count)
            return error is ConfigurationError ? 64 : 1
        }
    }

    private enum Limits {
        /// What is being answered at the end may take so long.
        static let shutdown: Duration = .seconds(5)
        /// The whole stop: beyond it something hangs (a disk), and the process ends all the same.
        static let stop: Duration = .seconds(15)
        /// Each client that waits for a change holds one.
        static let discoveryConnections = 32_768
    }

    /// What a daemon is ended by.
    private enum End: Sendable {
        case signal(Int32)
        case failure(String)
    }

    private static func run(_ configuration: DaemonConfiguration) async throws {
        let log = Logger("clusterd")
        try Files.createDirectories(configuration.dataDirectory, mode: 0o711)
        try Files.createDirectories(configuration.runDirectory, mode: 0o711)
        let instance = try InstanceLock(directory: configuration.dataDirectory)
        let loops = try Loops()
        let node = try await LocalNode.open(configuration, loops: loops)
        let audit = configuration.auditLogPath.map { AuditLog(path: $0) }
        let server = HTTPServer(loop: loops.api, handler: EngineAPIRoutes.handler(for: node, audit: audit))
        // The API answers before the node is a member again: what takes long says so instead of not being there.
        let certificates = try APICertificates(node)
        for host in configuration.hosts.isEmpty ? [configuration.controlSocket] : configuration.hosts {
            var securing: HTTPServer.Securing?
            if case .unix = host {
            } else if !configuration.opensAPI {
                securing = { try await certificates.secure($0) }
            }
            let address = try server.listen(on: host, mode: 0o660, group: "martlet", securing: securing)
            log.info("serving the API", ["on": address, "tls": securing != nil])
        }
        let metrics = try configuration.metricsAddress.map { try MetricsEndpoint(on: $0, loop: loops.api) }
        let discovery = try configuration.discoveryAddress.map { address in
            var limits = HTTPLimits()
            limits.connections = Limits.discoveryConnections
            let discovery = HTTPServer(
                loop: loops.discovery, workers: loops.discoveryWorkers, limits: limits,
                render: { DiscoveryAPI.failure($0, knowsLeader: false) }
            ) { [node = node.discovery, audit = configuration.auditsDiscovery ? audit : nil] in
                await node.respond(onPort: $0, audit: audit)
            }
            node.discovery.listens(by: discovery)
            let bound: SocketAddress
            do { bound = try discovery.listen(on: address) } catch {
                throw ConfigurationError(
                    "cannot serve the discovery API: \(error). --discovery-addr names another address, or off")
            }
            log.info("serving the discovery API", ["on": bound])
            return discovery
        }
        try await node.start(api: server)
        let end = try await end(of: node, loops)
        switch end {
        case .signal(let number): log.info("stopping; containers go on", ["signal": number])
        case .failure(let reason): log.error("stopping; containers go on", ["reason": reason])
        }
        loops.api.schedule(after: Limits.stop) {
            log.error("stopping takes too long; ending all the same")
            _exit(1)
        }
        await node.stop()
        await server.shutdown(within: Limits.shutdown)
        await discovery?.shutdown(within: Limits.shutdown)
        await metrics?.stop()
        await audit?.flush()
        withExtendedLifetime(instance) {}
        if case .failure(let reason) = end { throw NodeFailure(description: reason) }
    }

    private static func end(of node: LocalNode, _ loops: Loops) async throws -> End {
        try await withThrowingTaskGroup(of: End?.self) { group in
            group.addTask { .signal(try await Signals.wait(for: [SIGTERM, SIGINT], loop: loops.api)) }
            group.addTask { await node.failure().map { .failure($0) } }
            defer { group.cancelAll() }
            while let end = try await group.next() { if let end { return end } }
            throw CancellationError()
        }
    }
}

/// Why a node could not go on.
private struct NodeFailure: Error, CustomStringConvertible {
    let description: String
}

/// Prometheus metrics on an address of their own (text exposition format 0.0.4).
private struct MetricsEndpoint: Sendable {
    private let server: HTTPServer

    init(on address: SocketAddress, loop: EventLoop) throws {
        var router = Router()
        router.get("/metrics") { _ in SystemRoutes.metrics() }
        server = HTTPServer(loop: loop, router: router)
        try server.listen(on: address)
    }

    func stop() async { await server.shutdown(within: .seconds(1)) }
}
