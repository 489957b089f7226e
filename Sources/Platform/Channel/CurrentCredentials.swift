internal import Synchronization

/// What a node proves itself with at this moment: connections that begin use it, those that are open keep what they began with.
public final class CurrentCredentials: Sendable {
    private struct State: Sendable {
        let credentials: NodeCredentials
        let client: TLSContext
        let server: TLSContext

        init(_ credentials: NodeCredentials) {
            self.credentials = credentials
            client = .client(credentials)
            server = .server(credentials)
        }
    }
    private let state: Mutex<State>

    public init(_ credentials: NodeCredentials) { state = Mutex(State(credentials)) }

    public var value: NodeCredentials { state.withLock { $0.credentials } }

    /// Used by connections that begin from now on.
    public func replace(by credentials: NodeCredentials) {
        let next = State(credentials)
        state.withLock { $0 = next }
    }

    var client: TLSContext { state.withLock { $0.client } }
    var server: TLSContext { state.withLock { $0.server } }
}
