/// What goes wrong in HTTP, as the status that says it. Thrown by a handler, it becomes the answer
/// `{"message": "..."}`; thrown by the client, it is what the other side or the way there did wrong (502, 504).
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    public let status: HTTPStatus
    /// For the user: what, which object, what to do next.
    public let message: String
    /// Extra fields of the answer, such as `Allow`.
    public let headers: HTTPHeaders
    /// What lay underneath, where there is something.
    public let cause: (any Error)?

    public init(
        _ status: HTTPStatus, _ message: String, headers: HTTPHeaders = HTTPHeaders(), cause: (any Error)? = nil
    ) {
        self.status = status
        self.message = message
        self.headers = headers
        self.cause = cause
    }

    public var description: String {
        cause.map { "\(message): \($0)" } ?? message
    }
}

/// An error of another floor that knows which answer it is. Handlers may throw it as it is.
public protocol HTTPErrorConvertible: Error {
    var httpError: HTTPError { get }
}

extension HTTPError: HTTPErrorConvertible {
    public var httpError: HTTPError { self }

    /// The answer for any thrown error: itself, what it converts to, 503 for a cancellation, else 500 with its description.
    public init(describing error: any Error) {
        if let known = error as? any HTTPErrorConvertible {
            self = known.httpError
        } else if error is CancellationError {
            self.init(.serviceUnavailable, "the request was cancelled, because the server is stopping; try again")
        } else {
            self.init(.internalServerError, "\(error)", cause: nil)
        }
    }
}
