import Synchronization

/// Writes a streamed body in its framing and checks that a stated length is kept.
final class BodySink: Sendable {
    enum Framing: Sendable {
        case chunked
        case length(Int)
        case untilClose
        /// The answer to HEAD: nothing is written.
        case none
    }

    private let framing: Framing
    private let written = Atomic(0)
    private let sliceBytes: Int
    private let put: HTTPBodyWriter.Sink

    /// - Parameter put: takes wire bytes, at most a slice at a time, and returns when the peer has taken them.
    init(_ framing: Framing, sliceBytes: Int, put: @escaping HTTPBodyWriter.Sink) {
        self.framing = framing
        self.sliceBytes = max(sliceBytes, 1)
        self.put = put
    }

    /// Sends all of `body` and its end.
    nonisolated(nonsending) func send(_ body: HTTPBody) async throws {
        if case .none = framing { return }
        try await body.copy(to: HTTPBodyWriter { [self] in try await write($0) })
        switch framing {
        case .chunked: try await put(ChunkWriter.end)
        case .length(let length):
            let count = written.load(ordering: .relaxed)
            guard count == length else {
                throw HTTPError(.internalServerError, "body of \(count) bytes where \(length) were announced")
            }
        case .untilClose, .none: break
        }
    }

    private nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        let total = written.wrappingAdd(bytes.count, ordering: .relaxed).newValue
        if case .length(let length) = framing, total > length {
            throw HTTPError(.internalServerError, "body longer than the \(length) bytes announced")
        }
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + sliceBytes)
            let slice = start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
            if case .chunked = framing {
                try await put(ChunkWriter.frame(slice))
            } else {
                try await put(slice)
            }
            start = end
        }
    }
}
