public import Platform

/// Takes apart what a `ByteWriter` wrote; throws `StoreError` `.malformed` on anything else.
public typealias ByteReader = BinaryReader<StoreError>

extension StoreError: MalformedBytesError {
    /// Bytes that are not of this format.
    public static func malformed(_ message: String) -> StoreError { StoreError(.malformed, message) }
}
