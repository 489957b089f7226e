import Agent
import HTTP
import Model
import Platform

/// What the daemon says of itself (Engine API `/_ping`, `/version`, `/info`; Prometheus `/metrics`).
struct SystemRoutes: Sendable {
    let node: LocalNode

    func register(in router: inout Router) {
        router.get("/_ping") { _ in
            let headers: HTTPHeaders = [
                "Api-Version": EngineAPI.newest, "Ostype": "linux", "Docker-Experimental": "false",
                "Builder-Version": "1", "Server": "Martlet/\(EngineAPI.product) (linux)",
                "Swarm": await node.swarmHeader(), "Cache-Control": "no-cache, no-store, must-revalidate",
                "Pragma": "no-cache", "Content-Type": "text/plain; charset=utf-8",
            ]
            return HTTPResponse(.ok, headers: headers, body: HTTPBody("OK"))
        }
        router.get("/version") { _ in try .json(HostFacts.current.engineVersion) }
        router.get("/info") { request in
            var info = await info()
            if let id = request.headers[AccessToken.callerField] {
                guard let token = node.discovery.tokens?.tokens[id] else { throw AccessTokens.unknown }
                info.show(to: token.policy)
            }
            return try .json(info)
        }
        router.get("/metrics") { _ in Self.metrics() }
    }

    /// Text exposition format 0.0.4.
    static func metrics() -> HTTPResponse {
        HTTPResponse(
            .ok, headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8"],
            body: HTTPBody(Metrics.shared.render()))
    }

    private func info() async -> SystemInfo {
        let host = HostFacts.current
        let containers = await node.agent.containers.list()
        let running = containers.filter { $0.state == .running }.count
        return SystemInfo(
            id: node.agent.configuration.engineID, name: node.configuration.name ?? host.hostname,
            containers: containers.count, containersRunning: running, containersStopped: containers.count - running,
            images: await node.agent.images.list().count, systemTime: WallClock.now(),
            cgroupVersion: Cgroups.layout == .v2 ? "2" : "1", kernelVersion: host.kernelVersion,
            operatingSystem: host.operatingSystem, osVersion: host.osVersion, architecture: host.machine,
            ncpu: host.processors, memTotal: host.memoryBytes, rootDirectory: node.configuration.dataDirectory,
            serverVersion: EngineAPI.product, runtime: node.configuration.runtime,
            runtimePath: node.agent.containers.runtimeDescription, swarm: await node.swarmInfo())
    }
}
