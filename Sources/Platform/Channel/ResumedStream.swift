internal import Synchronization

/// A stream of which a part was read already: that comes first.
final class ResumedStream: ByteStream {
    private let head: Mutex<ArraySlice<UInt8>>
    private let stream: any ByteStream

    init(_ head: [UInt8], then stream: any ByteStream) {
        self.head = Mutex(head[...])
        self.stream = stream
    }

    nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8] {
        let first = head.withLock { head in
            defer { head = head.dropFirst(limit) }
            return Array(head.prefix(limit))
        }
        return first.isEmpty ? try await stream.read(upTo: limit) : first
    }

    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }
    nonisolated(nonsending) func shutdownWrite() async throws { try await stream.shutdownWrite() }
    func close() { stream.close() }
}
