import HTTP
import Model

/// The command that lets a node in.
struct JoinCommand {
    var tokens: JoinTokens
    /// Where a manager listens.
    var address: String

    static func load(_ engine: Engine) async throws -> JoinCommand {
        let swarm = try await engine.fetch(SwarmTokens.self, ["swarm"])
        let info = try await engine.fetch(SystemInfo.self, ["info"])
        let own = info.swarm.remoteManagers?.first { $0.nodeID == info.swarm.nodeID }?.address
        let address = own ?? info.swarm.remoteManagers?.first?.address ?? "\(info.swarm.nodeAddress):2377"
        return JoinCommand(tokens: swarm.joinTokens, address: address)
    }

    func token(_ role: NodeRole) -> String { role == .manager ? tokens.manager : tokens.worker }

    func command(_ role: NodeRole) -> String { "clusterctl join --token \(token(role)) \(address)" }
}

/// What of `GET /swarm` is needed here.
struct SwarmTokens: Decodable, Sendable {
    var version: ObjectVersion
    var spec: JSONValue
    var joinTokens: JoinTokens

    enum CodingKeys: String, CodingKey {
        case version = "Version"
        case spec = "Spec"
        case joinTokens = "JoinTokens"
    }
}
