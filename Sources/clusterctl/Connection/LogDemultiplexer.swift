/// Takes the Engine API's multiplexed stream apart: frames of one byte for the stream, three of zero, a big-endian
/// length and so many bytes (`application/vnd.docker.multiplexed-stream`).
struct LogDemultiplexer {
    enum Stream: UInt8, Sendable {
        case input = 0
        case output, error
        /// The daemon's own words about the stream.
        case system
    }

    struct Frame: Equatable, Sendable {
        var stream: Stream
        var bytes: [UInt8]
    }

    /// Bytes of one frame at most; Docker's are 16 KiB.
    static let frameLimit = 16 << 20

    private var buffer: [UInt8] = []

    /// The frames that the next piece of the stream completes.
    ///
    /// - Throws: `Failure` for anything that is no such stream.
    mutating func feed(_ piece: [UInt8]) throws(Failure) -> [Frame] {
        buffer += piece
        var frames: [Frame] = []
        var start = 0
        while buffer.count - start >= 8 {
            guard let stream = Stream(rawValue: buffer[start]), buffer[start + 1..<start + 4].allSatisfy({ $0 == 0 })
            else {
                throw Failure("the daemon's log stream is garbled")
            }
            let length = buffer[start + 4..<start + 8].reduce(0) { $0 << 8 | Int($1) }
            guard length <= Self.frameLimit else {
                throw Failure("the daemon's log stream has a frame of \(length) bytes")
            }
            guard buffer.count - start - 8 >= length else { break }
            frames.append(Frame(stream: stream, bytes: Array(buffer[start + 8..<start + 8 + length])))
            start += 8 + length
        }
        buffer.removeFirst(start)
        return frames
    }

    /// Whether the stream ended within a frame.
    var isTorn: Bool { !buffer.isEmpty }
}
