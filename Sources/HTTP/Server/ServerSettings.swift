/// What all connections of a server share.
struct ServerSettings: Sendable {
    let limits: HTTPLimits
    let handler: HTTPHandler
    let observer: HTTPServerObserver
    let render: @Sendable (HTTPError) -> HTTPResponse
}
