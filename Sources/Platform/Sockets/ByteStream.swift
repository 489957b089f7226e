/// A stream of bytes to and from a peer over a socket on an event loop (or TLS over one): what HTTP and Channel speak over.
///
/// One task reads at a time. Writes may come from several tasks and are never mixed with each other.
public protocol ByteStream: Sendable {
    /// At least one and at most `limit` bytes as soon as there are any; empty when the peer has ended its side.
    nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8]

    /// Returns when all bytes are handed on, which a slow peer delays (back-pressure).
    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws

    /// Whether `tryWrite` would take bytes, as far as is known: no write waits, and the stream has not ended.
    var isClear: Bool { get }

    /// Hands all bytes on without waiting, from any thread. What the peer does not take yet is kept, and goes before what is
    /// written later. False, with nothing handed on, where the stream is not clear or `bytes` is more than goes at once.
    func tryWrite(_ bytes: [UInt8]) -> Bool

    /// Has the stream wait on another loop from now on. Called while nobody reads; what it held before it still holds.
    func move(to loop: EventLoop) throws(SystemError)

    /// Ends this side; the peer reads to the end of what was written.
    nonisolated(nonsending) func shutdownWrite() async throws

    /// Closes at once; who waits in `read` or `write` gets an error. Harmless when repeated.
    func close()

    /// Closes at once, after as much of `lastWords` as can be sent without waiting; none of it where a write waits.
    func close(after lastWords: [UInt8])
}

extension ByteStream {
    public var isClear: Bool { false }

    /// Of a stream that always waits.
    public func tryWrite(_ bytes: [UInt8]) -> Bool { false }

    /// Of a stream that waits on no loop of its own.
    public func move(to loop: EventLoop) throws(SystemError) {}

    /// A stream that cannot send without waiting says nothing.
    public func close(after lastWords: [UInt8]) { close() }
}
