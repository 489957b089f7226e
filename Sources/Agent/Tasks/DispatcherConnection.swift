public import Model

/// A connection to a manager, as the dispatcher session needs it: whole messages, in order.
public protocol DispatcherConnection: Sendable {
    func send(_ message: AgentMessage) async throws
    /// The next message; nil when the manager has closed.
    func receive() async throws -> ManagerMessage?
    func close()
}

/// Finds a manager to talk to.
public protocol DispatcherConnector: Sendable {
    /// Connects to one of these, the first that answers; an empty list means: to one it knows by itself.
    func connect(to managers: [ManagerEndpoint]) async throws -> any DispatcherConnection
}
