/// What went wrong with the resolver process or on the way to it.
public struct ResolverError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for those who act on it.
    public enum Code: String, Sendable {
        /// Bytes on the control socket that the protocol does not allow.
        case protocolViolation = "protocol violation"
        /// The resolver refused a request.
        case refused = "refused by the resolver"
        /// It did not come up, or nobody listens.
        case notRunning = "the resolver is not running"
        case badArguments = "bad arguments"
        case tooMany = "too many"
    }

    public let code: Code
    public let message: String
    /// What it came from.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String {
        "resolver: \(code.rawValue): \(message)" + (cause.map { ": \($0)" } ?? "")
    }
}
