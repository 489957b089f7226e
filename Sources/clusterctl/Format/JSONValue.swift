import FoundationEssentials

/// Any JSON, for what is shown as it came.
enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The member of an object; nil where there is none, or it is null.
    subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[name], value != .null else { return nil }
        return value
    }

    /// Whether a member may be asked for.
    var isObjectOrNull: Bool {
        switch self {
        case .null, .object: true
        default: false
        }
    }

    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var integer: Int64? {
        if case .integer(let number) = self { number } else { nil }
    }

    var array: [JSONValue]? {
        if case .array(let values) = self { values } else { nil }
    }

    /// The object with one member set.
    func setting(_ name: String, _ value: JSONValue) -> JSONValue {
        guard case .object(var members) = self else { return self }
        members[name] = value
        return .object(members)
    }

    /// What a template prints: text without quotes, anything else as JSON on one line.
    var plain: String {
        switch self {
        case .null: ""
        case .string(let text): text
        default: compact
        }
    }

    var compact: String { encoded([.sortedKeys, .withoutEscapingSlashes]) }

    /// Indented, keys sorted.
    /// What is empty is not broken into lines, as the encoder does it; no text has line breaks of its own in it.
    var pretty: String {
        encoded([.sortedKeys, .withoutEscapingSlashes, .prettyPrinted])
            .replacing(#/([\[{])\n\n *([\]}])/#) { "\($0.output.1)\($0.output.2)" }
    }

    private func encoded(_ formatting: JSONEncoder.OutputFormatting) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        // Only a number that is not finite fails, and JSON brought none in.
        guard let data = try? encoder.encode(self) else { return "null" }
        return String(decoding: data, as: UTF8.self)
    }
}

extension JSONValue: Codable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let object = try? container.decode([String: JSONValue].self) {
            self = .object(object)
        } else if let array = try? container.decode([JSONValue].self) {
            self = .array(array)
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let integer = try? container.decode(Int64.self) {
            self = .integer(integer)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

/// A decoded object together with all that came, for `--format json` and templates.
struct Fetched<Value: Decodable & Sendable>: Decodable, Sendable {
    var value: Value
    var raw: JSONValue

    init(from decoder: any Decoder) throws {
        value = try Value(from: decoder)
        raw = try JSONValue(from: decoder)
    }
}
