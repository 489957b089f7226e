import Platform

/// DNS messages on a stream, each behind its length in two bytes (RFC 1035, 4.2.2).
struct DNSStream {
    private let stream: any ByteStream
    private var buffer: [UInt8] = []

    init(_ stream: any ByteStream) {
        self.stream = stream
    }

    /// The next message; nil when the peer has ended, in the middle of a message too.
    nonisolated(nonsending) mutating func next() async throws -> [UInt8]? {
        while true {
            if buffer.count >= 2 {
                let length = Int(buffer[0]) << 8 | Int(buffer[1])
                if buffer.count >= 2 + length {
                    let message = Array(buffer[2..<(2 + length)])
                    buffer.removeFirst(2 + length)
                    return message
                }
            }
            let piece = try await stream.read(upTo: 4_096)
            if piece.isEmpty { return nil }
            buffer += piece
        }
    }

    nonisolated(nonsending) func send(_ message: [UInt8]) async throws {
        guard let length = UInt16(exactly: message.count) else {
            throw DNSFormatError(.messageTooLong, at: message.count)
        }
        try await stream.write([UInt8(length >> 8), UInt8(length & 0xFF)] + message)
    }
}
