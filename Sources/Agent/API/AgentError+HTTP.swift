public import HTTP

extension AgentError: HTTPErrorConvertible {
    /// The status that Docker answers with.
    public var httpError: HTTPError {
        let status: HTTPStatus =
            switch code {
            case .notFound: .notFound
            case .conflict: .conflict
            case .invalid, .corrupt: .badRequest
            case .tooLarge: .contentTooLarge
            case .runtime: .internalServerError
            case .unsupported: .notImplemented
            }
        return HTTPError(status, description)
    }
}
