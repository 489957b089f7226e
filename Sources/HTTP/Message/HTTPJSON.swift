import FoundationEssentials

/// JSON bodies. One encoder and one decoder serve all: neither is changed after it was made.
public enum HTTPJSON {
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        return encoder
    }()
    private static let decoder = JSONDecoder()

    /// Bytes of a request's JSON unless a handler says otherwise.
    public static let defaultLimit = 4 << 20

    /// Keys sorted, slashes plain.
    public static func encode(_ value: some Encodable) throws -> [UInt8] { [UInt8](try encoder.encode(value)) }

    /// - Throws: `HTTPError` 400 that names the member and what is wrong with it.
    public static func decode<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws(HTTPError) -> T {
        guard !bytes.isEmpty else { throw HTTPError(.badRequest, "the body is empty, JSON is wanted") }
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw HTTPError(.badRequest, "invalid JSON: \(describe(error))", cause: nil)
        } catch {
            throw HTTPError(.badRequest, "invalid JSON: \(error)", cause: nil)
        }
    }

    /// `{"message":"..."}` and a line feed.
    static func message(_ text: String) -> [UInt8] {
        var bytes = Array("{\"message\":\"".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case ByteClass.lineFeed: bytes += Array("\\n".utf8)
            case 0..<0x20: bytes += Array("\\u00".utf8) + hex(byte)
            default: bytes.append(byte)
            }
        }
        return bytes + Array("\"}\n".utf8)
    }

    private static func hex(_ byte: UInt8) -> [UInt8] {
        [byte >> 4, byte & 15].map { $0 < 10 ? $0 + 0x30 : $0 + 0x57 }
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context): "member '\(path(context.codingPath + [key]))' is missing"
        case .valueNotFound(_, let context): "member '\(path(context.codingPath))' must not be null"
        case .typeMismatch(let type, let context): "member '\(path(context.codingPath))' must be a \(type)"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? context.debugDescription : "member '\(path(context.codingPath))': \(context.debugDescription)"
        @unknown default: "\(error)"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
    }
}

extension HTTPResponse {
    /// An answer in JSON.
    public static func json(_ value: some Encodable, status: HTTPStatus = .ok) throws -> HTTPResponse {
        HTTPResponse(status, headers: ["Content-Type": "application/json"], body: HTTPBody(try HTTPJSON.encode(value)))
    }

    /// The whole body as JSON; for a client.
    ///
    /// - Throws: `HTTPError`; 502 for a body that is not what was expected.
    public nonisolated(nonsending) func decode<T: Decodable>(_ type: T.Type, upTo limit: Int = 64 << 20) async throws
        -> T
    {
        let bytes = try await body.collect(upTo: limit)
        do {
            return try HTTPJSON.decode(type, from: bytes)
        } catch {
            throw HTTPError(.badGateway, "the server's answer is not understood: \(error.message)")
        }
    }
}

extension HTTPRequest {
    /// The whole body as JSON.
    ///
    /// - Throws: `HTTPError` 400 that names the problem, 413 beyond `limit` bytes.
    public nonisolated(nonsending) func decode<T: Decodable>(_ type: T.Type, upTo limit: Int = HTTPJSON.defaultLimit)
        async throws -> T
    {
        try HTTPJSON.decode(type, from: try await body.collect(upTo: limit))
    }

    /// The same, nil for an empty body.
    public nonisolated(nonsending) func decodeIfPresent<T: Decodable>(
        _ type: T.Type, upTo limit: Int = HTTPJSON.defaultLimit
    ) async throws -> T? {
        let bytes = try await body.collect(upTo: limit)
        return bytes.isEmpty ? nil : try HTTPJSON.decode(type, from: bytes)
    }
}
