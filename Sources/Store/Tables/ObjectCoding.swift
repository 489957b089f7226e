internal import Foundation

/// How objects are written: JSON with sorted keys, so that the same object is the same bytes everywhere.
public enum ObjectCoding {
    public static func encode(_ object: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return [UInt8](try encoder.encode(object)) } catch {
            throw StoreError(.malformed, "cannot encode a \(type(of: object))", cause: error)
        }
    }

    /// Throws `StoreError` `.malformed` on bytes that are no such object.
    public static func decode<Object: Decodable>(_ type: Object.Type, from bytes: [UInt8]) throws -> Object {
        do { return try JSONDecoder().decode(Object.self, from: Data(bytes)) } catch {
            throw StoreError(.malformed, "cannot decode a \(Object.self)", cause: error)
        }
    }
}
