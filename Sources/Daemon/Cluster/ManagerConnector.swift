import Agent
import Model
import Platform

/// How this node's agent reaches a manager: a dispatch channel to one that answers, the first ones preferred.
struct ManagerConnector: DispatcherConnector {
    let links: ClusterLinks
    /// The managers that the node knows of by itself, from its identity and, on a manager, as a member of the group: where
    /// to go when none of those that it was told of answers.
    let known: @Sendable () -> [ManagerEndpoint]

    enum Limits {
        /// How long a manager is alone with the question before the next one is asked beside it: one whose host is gone does
        /// not refuse, it is silent until `ClusterLinks.Limits.connect` (RFC 8305, section 5, does so with addresses).
        static let headStart: Duration = .milliseconds(250)
    }

    /// One address may have had several managers. Whoever answers there is good, if it is a manager of this cluster: a host may
    /// have been made anew, from a backup.
    func connect(to managers: [ManagerEndpoint]) async throws -> any DispatcherConnection {
        var seen: Set<String> = []
        let addresses = (managers + known()).map(\.address).filter { seen.insert($0).inserted }
        return AgentLink(channel: try await first(of: addresses))
    }

    private enum Event: Sendable {
        case connected(Channel)
        case failed(String)
        /// The head start of the address at this place is over.
        case overtaken(Int)
    }

    private func first(of addresses: [String]) async throws -> Channel {
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            var reasons: [String] = []
            var begun = 0
            func askNext() {
                guard begun < addresses.count else { return }
                let place = begun
                begun += 1
                group.addTask { await ask(addresses[place]) }
                group.addTask {
                    try? await Task.sleep(for: Limits.headStart)
                    return .overtaken(place)
                }
            }
            askNext()
            while reasons.count < addresses.count, let event = try await group.next() {
                switch event {
                case .connected(let channel): return channel
                case .failed(let reason):
                    reasons.append(reason)
                    askNext()
                case .overtaken(let place): if place == begun - 1 { askNext() }
                }
            }
            throw NoManager(reasons: reasons)
        }
    }

    private func ask(_ address: String) async -> Event {
        do {
            return .connected(try await links.open(.dispatch, to: address))
        } catch {
            return .failed("\(address): \(error)")
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
