/// Frames of chunked bodies (RFC 9112 section 7.1).
enum ChunkWriter {
    static let end = Array("0\r\n\r\n".utf8)

    static func frame(_ bytes: [UInt8]) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(bytes.count + 20)
        frame.append(contentsOf: String(bytes.count, radix: 16).utf8)
        frame += [ByteClass.carriageReturn, ByteClass.lineFeed]
        frame += bytes
        frame += [ByteClass.carriageReturn, ByteClass.lineFeed]
        return frame
    }
}
