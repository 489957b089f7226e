import Foundation
import Platform

/// What the daemon asks of the resolver, one JSON object a frame.
enum ResolverRequest: Codable, Sendable {
    /// All names, in the place of those before. A lower revision than the session has said before is refused.
    case setNames(NameState, session: String)
    case addSandbox(SandboxRegistration)
    case removeSandbox(id: String)
    case listSandboxes
    case status
    /// End, and forget the names and sandboxes.
    case stop
}

/// What the resolver answers.
enum ResolverReply: Codable, Sendable {
    case done
    case ports(ResolverPorts)
    case sandboxes([SandboxStatus])
    case status(ResolverStatus)
    case failed(message: String)
}

/// Frames on the control socket: each side says a preface, then come JSON objects, each behind its length in four bytes.
enum ResolverProtocol {
    /// Another major means that the other side is not understood; the daemon then replaces the resolver.
    static let major: UInt16 = 1
    static let minor: UInt16 = 0
    /// Bytes of the largest frame.
    static let maximumFrame = 64 << 20
    private static let magic = Array("MLRS".utf8)
    private static let prefaceLength = 12

    /// Magic, major, minor, and the pid of the side that speaks; numbers big endian.
    static func preface(pid: Int32) -> [UInt8] {
        magic + bytes(major) + bytes(minor) + bytes(UInt32(bitPattern: pid))
    }

    struct Peer: Equatable {
        var major: UInt16
        var pid: Int32
    }

    /// Reads the other side's preface.
    nonisolated(nonsending) static func readPreface(_ reader: inout FrameReader) async throws -> Peer {
        let preface = try await reader.bytes(prefaceLength)
        guard Array(preface.prefix(4)) == magic else {
            throw ResolverError(.protocolViolation, "not a resolver's socket")
        }
        let pid = preface[8...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Peer(major: UInt16(preface[4]) << 8 | UInt16(preface[5]), pid: Int32(bitPattern: pid))
    }

    static func frame(_ message: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let body = try encoder.encode(message)
        guard body.count <= maximumFrame else {
            throw ResolverError(.protocolViolation, "a message of \(body.count) bytes is too long")
        }
        return bytes(UInt32(body.count)) + Array(body)
    }

    static func decode<Message: Decodable>(_ type: Message.Type, from json: Data) throws -> Message {
        do {
            return try JSONDecoder().decode(type, from: json)
        } catch {
            throw ResolverError(.protocolViolation, "a message that is not understood", cause: error)
        }
    }

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    /// Cuts a stream into what was framed.
    struct FrameReader {
        let stream: any ByteStream
        private var buffer: [UInt8] = []

        init(_ stream: any ByteStream) {
            self.stream = stream
        }

        /// The next frame's JSON; nil at the end of the stream between two frames.
        nonisolated(nonsending) mutating func next() async throws -> Data? {
            if buffer.isEmpty {
                buffer = try await stream.read(upTo: SocketStream.readLimit)
                if buffer.isEmpty { return nil }
            }
            let header = try await bytes(4)
            let length = header.reduce(0) { $0 << 8 | Int($1) }
            guard length <= maximumFrame else { throw ResolverError(.protocolViolation, "a frame of \(length) bytes") }
            return Data(try await bytes(length))
        }

        nonisolated(nonsending) mutating func bytes(_ count: Int) async throws -> [UInt8] {
            while buffer.count < count {
                let piece = try await stream.read(upTo: SocketStream.readLimit)
                guard !piece.isEmpty else {
                    throw ResolverError(.protocolViolation, "the stream ended within a message")
                }
                buffer += piece
            }
            defer { buffer.removeFirst(count) }
            return Array(buffer[..<count])
        }
    }
}
