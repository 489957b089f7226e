public import Model

/// A connection to an agent: whole messages, in order.
public protocol DispatchConnection: Sendable {
    func send(_ message: ManagerMessage) async throws
    /// The next message; nil when the agent has closed.
    func receive() async throws -> AgentMessage?
    func close()
}
