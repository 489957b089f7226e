/// What a server tells its metrics. The closures run on the event loop and must return at once.
public struct HTTPServerObserver: Sendable {
    /// One answered request.
    public struct Exchange: Sendable {
        public let method: HTTPMethod
        /// The router's pattern, nil where none matched.
        public let route: String?
        public let status: HTTPStatus
        /// From the request's head to the last byte of the answer.
        public let duration: Duration
        public let peer: HTTPPeer
        /// What cut the answer short, if something did.
        public let failure: (any Error)?
    }

    /// After each answer.
    public var onExchange: (@Sendable (Exchange) -> Void)?
    /// When the number of open connections changes.
    public var onConnections: (@Sendable (Int) -> Void)?

    public init(
        onExchange: (@Sendable (Exchange) -> Void)? = nil, onConnections: (@Sendable (Int) -> Void)? = nil
    ) {
        self.onExchange = onExchange
        self.onConnections = onConnections
    }
}
