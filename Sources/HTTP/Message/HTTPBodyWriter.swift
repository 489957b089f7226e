/// Takes the pieces of a streamed body. Each write goes out at once and returns when the peer's side has taken it.
public struct HTTPBodyWriter: Sendable {
    typealias Sink = nonisolated(nonsending) @Sendable ([UInt8]) async throws -> Void

    private let sink: Sink

    init(_ sink: @escaping Sink) { self.sink = sink }

    /// - Throws: what the connection throws when the peer is gone.
    public nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await sink(bytes) }
    }

    /// The same for text, as UTF-8.
    public nonisolated(nonsending) func write(_ text: String) async throws { try await write(Array(text.utf8)) }

    /// One line of JSON, as progress and event streams send them.
    public nonisolated(nonsending) func write(json value: some Encodable) async throws {
        try await write(HTTPJSON.encode(value) + [ByteClass.carriageReturn, ByteClass.lineFeed])
    }
}
