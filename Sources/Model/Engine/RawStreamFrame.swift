/// A frame of the Engine API's multiplexed stream: the stream's number, three zero bytes, the length as 32 bits big endian,
/// and so many bytes.
public enum RawStreamFrame {
    public static let contentType = "application/vnd.docker.multiplexed-stream"
    /// What a TTY's unframed bytes are called, and before API 1.42 the framed ones too.
    public static let rawContentType = "application/vnd.docker.raw-stream"

    /// 1 is stdout, 2 stderr.
    public static func encode(_ stream: LogStream, _ bytes: [UInt8]) -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: bytes.count)
        let number: UInt8 = stream == .stdout ? 1 : 2
        return [number, 0, 0, 0] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + bytes
    }
}
