import HTTP
import Platform

/// JSON as clients of Consul write it: the case of members' names does not matter.
enum LooseJSON: Decodable, Sendable {
    case null
    case bool(Bool)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([LooseJSON])
    /// By the names in lower case.
    case object([String: LooseJSON])

    /// - Throws: `HTTPError` 400.
    static func parse(_ bytes: [UInt8]) throws(HTTPError) -> LooseJSON {
        do {
            return try CanonicalJSON.decode(LooseJSON.self, from: bytes)
        } catch {
            throw HTTPError(.badRequest, "Request decode failed: \(error)")
        }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let object = try? container.decode([String: LooseJSON].self) {
            // Sorted, so that of two spellings of one name the same always wins.
            var members: [String: LooseJSON] = [:]
            for (name, value) in object.sorted(by: { $0.key < $1.key }) { members[name.lowercased()] = value }
            self = .object(members)
        } else if let array = try? container.decode([LooseJSON].self) {
            self = .array(array)
        } else if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let flag = try? container.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? container.decode(UInt64.self) {
            self = .unsigned(number)
        } else {
            self = .number(try container.decode(Double.self))
        }
    }

    /// The member of that name, in lower case; nil where it is missing or null.
    func member(_ name: String) -> LooseJSON? {
        guard case .object(let members) = self, let value = members[name] else { return nil }
        if case .null = value { return nil }
        return value
    }

    /// - Throws: `HTTPError` 400 where the member is there and no string.
    func string(_ name: String) throws(HTTPError) -> String? {
        guard let value = member(name) else { return nil }
        guard case .string(let text) = value else { throw Self.wrong(name, "a string") }
        return text
    }

    /// - Throws: `HTTPError` 400 where the member is there and no whole number from 0 up.
    func unsigned(_ name: String) throws(HTTPError) -> UInt64? {
        guard let value = member(name) else { return nil }
        guard case .unsigned(let number) = value else { throw Self.wrong(name, "a whole number from 0 up") }
        return number
    }

    /// - Throws: `HTTPError` 400 where the member is there and no list of strings.
    func strings(_ name: String) throws(HTTPError) -> [String]? {
        guard let value = member(name) else { return nil }
        guard case .array(let values) = value else { throw Self.wrong(name, "a list of strings") }
        var texts: [String] = []
        for value in values {
            guard case .string(let text) = value else { throw Self.wrong(name, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    private static func wrong(_ name: String, _ wanted: String) -> HTTPError {
        HTTPError(.badRequest, "Request decode failed: '\(name)' must be \(wanted)")
    }
}
