public import Platform

typealias ByteReader = BinaryReader<RaftError>

extension RaftError: MalformedBytesError {
    /// Bytes that do not parse.
    public static func malformed(_ message: String) -> RaftError { RaftError(.malformed, message) }
}
