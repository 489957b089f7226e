/// A stream of bytes to and from a peer over a socket on an event loop (or TLS over one): what HTTP and Channel speak over.
///
/// One task reads at a time. Writes may come from several tasks and are never mixed with each other.
public protocol ByteStream: Sendable {
    /// At least one and at most `limit` bytes as soon as there are any; empty when the peer has ended its side.
    nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8]

    /// Returns when all bytes are handed on, which a slow peer delays (back-pressure).
    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws

    /// Ends this side; the peer reads to the end of what was written.
    nonisolated(nonsending) func shutdownWrite() async throws

    /// Closes at once; who waits in `read` or `write` gets an error. Harmless when repeated.
    func close()

    /// Closes at once, after as much of `lastWords` as can be sent without waiting; none of it where a write waits.
    func close(after lastWords: [UInt8])
}

extension ByteStream {
    /// A stream that cannot send without waiting says nothing.
    public func close(after lastWords: [UInt8]) { close() }
}
