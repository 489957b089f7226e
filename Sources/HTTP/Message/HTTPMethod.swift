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

    /// Repeating the request has the effect of sending it once (RFC 9110 section 9.2.2).
    public var isIdempotent: Bool {
        switch name {
        case "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE": true
        default: false
        }
    }
}
