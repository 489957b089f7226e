public import Platform

/// What became of a request for a raw stream.
public struct HTTPUpgrade: Sendable {
    /// The answer; without body where there is a stream.
    public let response: HTTPResponse
    /// The raw stream, beginning with what the server sent behind its head; the receiver closes it.
    public let stream: (any ByteStream)?
}
