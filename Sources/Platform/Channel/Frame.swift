/// A message on a framed channel.
public struct Frame: Sendable, Hashable {
    /// What the payload is, as the channel's purpose defines it.
    public let type: UInt8
    public let payload: [UInt8]

    /// The longest payload, where the channel's owner names no other bound.
    public static let payloadLimit = 16 << 20
    /// Length (u32), CRC-32C of type and payload (u32), type (u8); numbers big-endian.
    static let headerLength = 9

    public init(type: UInt8, payload: [UInt8]) {
        self.type = type
        self.payload = payload
    }

    /// Adds the frame as it goes over the wire.
    func encode(into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + Self.headerLength + payload.count)
        Self.append(UInt32(truncatingIfNeeded: payload.count), to: &bytes)
        Self.append(checksum, to: &bytes)
        bytes.append(type)
        bytes += payload
    }

    var checksum: UInt32 { CRC32C.checksum(payload, seed: CRC32C.checksum([type])) }

    private static func append(_ value: UInt32, to bytes: inout [UInt8]) {
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
}

/// Takes frames out of a stream of bytes: a pure state machine.
struct FrameDecoder: Sendable {
    private let payloadLimit: Int
    private var buffer: [UInt8] = []
    private var start = 0

    init(payloadLimit: Int) { self.payloadLimit = payloadLimit }

    /// True between two frames.
    var isAtBoundary: Bool { start == buffer.count }

    /// How many bytes the frame that has begun still needs; 0 where that is not known yet.
    var missing: Int {
        guard buffer.count - start >= Frame.headerLength else { return 0 }
        return max(0, Frame.headerLength + Int(number(at: start)) - (buffer.count - start))
    }

    mutating func append(_ bytes: [UInt8]) {
        if isAtBoundary {
            buffer = bytes
            start = 0
        } else {
            if start > 0 {
                buffer.removeFirst(start)
                start = 0
            }
            buffer += bytes
        }
    }

    /// The next whole frame; nil where more bytes are needed.
    mutating func next() throws(ChannelError) -> Frame? {
        guard buffer.count - start >= 4 else { return nil }
        let length = Int(number(at: start))
        guard length <= payloadLimit else { throw .frameTooLong(length) }
        guard buffer.count - start >= Frame.headerLength + length else { return nil }
        let body = start + Frame.headerLength
        let frame = Frame(type: buffer[body - 1], payload: Array(buffer[body..<body + length]))
        guard frame.checksum == number(at: start + 4) else { throw .malformed("frame: wrong checksum") }
        start = body + length
        if isAtBoundary {
            buffer = []
            start = 0
        }
        return frame
    }

    private func number(at index: Int) -> UInt32 {
        buffer[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}
