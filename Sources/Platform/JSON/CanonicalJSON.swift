internal import Foundation

/// JSON that is the same bytes for the same value: sorted keys, no spaces, slashes as they are.
public enum CanonicalJSON {
    /// The longest text that is read, where the caller names no other bound.
    public static let limit = 16 << 20
    /// The deepest nesting that is read.
    public static let depthLimit = 128

    /// Why a text was not read.
    public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case tooLong(Int)
        case tooDeep
        /// What the decoder says, with the path of the value.
        case malformed(String)

        public var description: String {
            switch self {
            case .tooLong(let count): "JSON of \(count) bytes is too long"
            case .tooDeep: "JSON is nested deeper than \(CanonicalJSON.depthLimit) levels"
            case .malformed(let reason): "JSON: \(reason)"
            }
        }
    }

    /// UTF-8 of the value.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    /// The value of a text of bounded length and depth.
    public static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], limit: Int = CanonicalJSON.limit
    ) throws(Failure) -> T {
        guard bytes.count <= limit else { throw .tooLong(bytes.count) }
        guard depth(bytes) <= depthLimit else { throw .tooDeep }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw .malformed(explain(error))
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// How deep brackets nest outside of strings, be the text well formed or not.
    static func depth(_ bytes: [UInt8]) -> Int {
        var depth = 0
        var deepest = 0
        var isInString = false
        var isEscaped = false
        for byte in bytes {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        return deepest
    }

    private static func explain(_ error: DecodingError) -> String {
        func at(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
            return path.isEmpty ? "" : " at \(path)"
        }
        return switch error {
        case .typeMismatch(let type, let context): "not a \(type)\(at(context))"
        case .valueNotFound(let type, let context): "null where a \(type) belongs\(at(context))"
        case .keyNotFound(let key, let context): "no \(key.stringValue)\(at(context))"
        case .dataCorrupted(let context): "\(context.debugDescription)\(at(context))"
        @unknown default: "\(error)"
        }
    }
}
