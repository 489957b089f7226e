/// What went wrong on this node: a code that routes map to a status, a message that names the object, and the cause.
public struct AgentError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for those who act on it.
    public enum Code: String, Sendable {
        /// No such image or container.
        case notFound
        /// The name is taken, or the object is in use or in another state.
        case conflict
        /// What the caller gave is malformed.
        case invalid
        /// Content does not match its digest, or an archive is damaged.
        case corrupt
        /// A named limit was passed.
        case tooLarge
        /// The OCI runtime or conmon refused.
        case runtime
        /// This machine cannot do it.
        case unsupported
    }

    public let code: Code
    public let message: String
    /// The underlying error's own words, if there is one.
    public let cause: String?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause.map { String(describing: $0) }
    }

    public var description: String {
        guard let cause else { return message }
        return "\(message): \(cause)"
    }
}
