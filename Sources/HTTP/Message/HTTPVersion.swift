/// The protocol versions that this module speaks.
public enum HTTPVersion: Sendable, Hashable {
    case http10
    case http11
}
