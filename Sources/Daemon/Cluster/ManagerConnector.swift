import Agent
import Model
import Platform

/// How this node's agent reaches a manager: a dispatch channel to the first that answers.
struct ManagerConnector: DispatcherConnector {
    let links: ClusterLinks
    /// The managers that the node knows of by itself, from its identity and, on a manager, as a member of the group: where
    /// to go when none of those that it was told of answers.
    let known: @Sendable () -> [ManagerEndpoint]

    func connect(to managers: [ManagerEndpoint]) async throws -> any DispatcherConnection {
        var reasons: [String] = []
        var tried: Set<ManagerEndpoint> = []
        for manager in managers + known() where tried.insert(manager).inserted {
            do {
                return AgentLink(channel: try await open(manager))
            } catch {
                reasons.append("\(manager.address): \(error)")
            }
        }
        throw NoManager(reasons: reasons)
    }

    /// Another manager of this cluster may answer where one was known: its host was made anew, from a backup.
    private func open(_ manager: ManagerEndpoint) async throws -> Channel {
        do {
            return try await links.open(.dispatch, to: manager.address, expecting: manager.nodeID)
        } catch ChannelError.wrongPeer {
            return try await links.open(.dispatch, to: manager.address)
        }
    }
}

/// No manager answers; what each said.
struct NoManager: Error, CustomStringConvertible {
    let reasons: [String]

    var description: String {
        reasons.isEmpty ? "no manager is known" : "no manager answers (\(reasons.joined(separator: "; ")))"
    }
}

/// The agent's end of a dispatch channel.
private struct AgentLink: DispatcherConnection {
    let channel: Channel

    func send(_ message: AgentMessage) async throws { try await channel.send(json: message) }
    func receive() async throws -> ManagerMessage? { try await channel.receive(json: ManagerMessage.self) }
    func close() { channel.close() }
}
