internal import FoundationEssentials

/// Bytes that JSON writes in Base64 (RFC 4648 section 4). Never printed: they may be a secret.
public struct Base64Bytes: Codable, Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let data = Data(base64Encoded: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not Base64")
        }
        bytes = [UInt8](data)
    }

    /// Writes one string.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Data(bytes).base64EncodedString())
    }

    public var description: String { "\(bytes.count) bytes" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
