/// A request method (RFC 9110 section 9). Any token is a method; the common ones are constants.
public struct HTTPMethod: Hashable, Sendable, CustomStringConvertible {
    /// The token as it stands on the wire; methods are case-sensitive.
    public let name: String

    /// Wraps a token. The caller vouches that it is one.
    public init(_ name: String) { self.name = name }

    public static let get = HTTPMethod("GET")
    public static let head = HTTPMethod("HEAD")
    public static let post = HTTPMethod("POST")
    public static let put = HTTPMethod("PUT")
    public static let delete = HTTPMethod("DELETE")
    public static let patch = HTTPMethod("PATCH")
    public static let options = HTTPMethod("OPTIONS")
    public static let connect = HTTPMethod("CONNECT")

    public var description: String { name }

    /// The request changes nothing (RFC 9110 section 9.2.1). What the RFC calls idempotent, PUT and DELETE, is not with the APIs
    /// here: a PUT makes a session, or puts a key if it is as it was.
    public var isSafe: Bool {
        switch name {
        case "GET", "HEAD", "OPTIONS", "TRACE": true
        default: false
        }
    }
}
