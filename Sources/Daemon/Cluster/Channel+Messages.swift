import FoundationEssentials
import HTTP
import Platform

/// What the payload of a frame is.
private enum FrameType {
    static let json: UInt8 = 1
    static let bytes: UInt8 = 3
}

/// Messages over a framed channel: JSON, and plain bytes.
extension Channel {
    func send(json message: some Encodable) async throws {
        try await send(Frame(type: FrameType.json, payload: HTTPJSON.encode(message)))
    }

    /// See `trySend`.
    func trySend(bytes: [UInt8]) -> Bool { trySend(Frame(type: FrameType.bytes, payload: bytes)) }

    func send(bytes: [UInt8]) async throws { try await send(Frame(type: FrameType.bytes, payload: bytes)) }

    /// Nil when the other end has closed.
    func receive<Message: Decodable>(json type: Message.Type) async throws -> Message? {
        guard let payload = try await payload(of: FrameType.json) else { return nil }
        return try HTTPJSON.decode(type, from: payload)
    }

    /// Closes the channel where `body` takes longer: whoever waits for the other end then gets an error.
    func closing<T>(after limit: Duration, _ loop: EventLoop, _ body: () async throws -> T) async throws -> T {
        let timer = loop.schedule(after: limit) { self.close() }
        defer { timer.cancel() }
        return try await body()
    }

    func receiveBytes() async throws -> [UInt8]? { try await payload(of: FrameType.bytes) }

    private func payload(of type: UInt8) async throws -> [UInt8]? {
        guard let frame = try await receive() else { return nil }
        guard frame.type == type else { throw ChannelError.malformed("frame of type \(frame.type)") }
        return frame.payload
    }
}
