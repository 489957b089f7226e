/// The content of a message: bytes at hand, or a stream. Streams run once, and only as fast as the other side takes or
/// gives them.
///
/// Iterate it for the pieces as they come, or `collect` it. One task at a time may do so.
public struct HTTPBody: Sendable {
    /// Writes a streamed body.
    public typealias Producer = nonisolated(nonsending) @Sendable (HTTPBodyWriter) async throws -> Void

    enum Storage: Sendable {
        case bytes([UInt8])
        case source(any HTTPBodySource)
        case producer(Producer)
    }

    let storage: Storage
    /// Bytes in all, where known beforehand. A stream that knows is sent with `Content-Length`, another one chunked.
    public let length: Int?

    /// No content.
    public static let empty = HTTPBody([UInt8]())

    public init(_ bytes: [UInt8]) {
        storage = .bytes(bytes)
        length = bytes.count
    }

    public init(_ text: String) { self.init(Array(text.utf8)) }

    /// A stream that `produce` writes: it is called once the head is sent, suspends while the peer is slow, and is
    /// cancelled when the peer leaves. When it throws, the message is cut short and the connection closed.
    public static func stream(
        length: Int? = nil, _ produce: @escaping Producer
    ) -> HTTPBody {
        HTTPBody(.producer(produce), length: length)
    }

    /// A stream of what `pieces` gives.
    public static func stream<Pieces: AsyncSequence & Sendable>(length: Int? = nil, of pieces: Pieces) -> HTTPBody
    where Pieces.Element == [UInt8] {
        stream(length: length) { writer in
            for try await piece in pieces { try await writer.write(piece) }
        }
    }

    init(_ storage: Storage, length: Int?) {
        self.storage = storage
        self.length = length
    }

    /// The content as a whole.
    ///
    /// - Throws: `HTTPError` 413 beyond `limit` bytes, or what the stream throws.
    public nonisolated(nonsending) func collect(upTo limit: Int) async throws -> [UInt8] {
        if let length, length > limit { throw Self.tooLarge(limit) }
        switch storage {
        case .bytes(let bytes):
            return bytes
        case .source(let source):
            var all: [UInt8] = []
            while let piece = try await source.next() {
                guard piece.count <= limit - all.count else { throw Self.tooLarge(limit) }
                if all.isEmpty { all = piece } else { all += piece }
            }
            return all
        case .producer(let produce):
            let collector = BodyCollector(limit: limit)
            try await produce(HTTPBodyWriter { try collector.append($0) })
            return collector.bytes
        }
    }

    /// Gives the content to `writer`, piece by piece.
    public nonisolated(nonsending) func copy(to writer: HTTPBodyWriter) async throws {
        switch storage {
        case .bytes(let bytes):
            if !bytes.isEmpty { try await writer.write(bytes) }
        case .source(let source):
            while let piece = try await source.next() { try await writer.write(piece) }
        case .producer(let produce):
            try await produce(writer)
        }
    }

    static func tooLarge(_ limit: Int) -> HTTPError {
        HTTPError(.contentTooLarge, "body larger than \(limit) bytes")
    }
}

/// A body that comes in over a connection, pulled piece by piece.
protocol HTTPBodySource: Sendable {
    /// The next piece, nil at the end.
    nonisolated(nonsending) func next() async throws -> [UInt8]?
}

extension HTTPBody: AsyncSequence {
    /// Takes one piece after the other; nil at the body's end.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private enum State {
            case bytes([UInt8])
            case source(any HTTPBodySource)
            case done
        }

        private var state: State

        init(_ storage: Storage) {
            state =
                switch storage {
                case .bytes(let bytes): .bytes(bytes)
                case .source(let source): .source(source)
                case .producer(let produce): .source(ProducedBody(produce))
                }
        }

        /// The next piece, never empty; nil at the end.
        public mutating func next() async throws -> [UInt8]? {
            switch state {
            case .bytes(let bytes):
                state = .done
                return bytes.isEmpty ? nil : bytes
            case .source(let source):
                if let piece = try await source.next() { return piece }
                state = .done
                return nil
            case .done:
                return nil
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(storage) }
}
