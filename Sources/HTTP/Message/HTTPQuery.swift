/// The query of a request target: decoded names and values in order, names may repeat, a name may stand without a value.
public struct HTTPQuery: Sendable {
    /// One `name` or `name=value`.
    public struct Item: Sendable, Hashable {
        public let name: String
        /// nil: the name stood alone.
        public let value: String?
    }

    /// Items that one query may have.
    public static let itemLimit = 1024

    public let items: [Item]

    /// No items.
    public init() { items = [] }

    /// Parses what stands behind the `?`.
    ///
    /// - Throws: `HTTPError` 400 for broken escapes or more than `itemLimit` items.
    public init(parsing text: String) throws(HTTPError) {
        var items: [Item] = []
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            guard items.count < Self.itemLimit else { throw HTTPError(.badRequest, "too many query parameters") }
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = String(Substring(part[..<(equals ?? part.endIndex)]))
            let value: String? = equals.map { String(Substring(part[part.index(after: $0)...])) }
            items.append(
                Item(
                    name: try PercentCoding.decode(name, plusIsSpace: true),
                    value: try Self.decode(value)))
        }
        self.items = items
    }

    /// The first value of `name`: "" where it stands alone, nil where it is missing.
    public subscript(_ name: String) -> String? {
        items.first { $0.name == name }.map { $0.value ?? "" }
    }

    /// Every value of `name`.
    public func values(of name: String) -> [String] {
        items.compactMap { $0.name == name ? $0.value ?? "" : nil }
    }

    /// The name is there, with whatever value: Consul's flags.
    public func contains(_ name: String) -> Bool { items.contains { $0.name == name } }

    /// Docker's flags: true unless missing, empty, `0`, `no`, `false` or `none`.
    public func flag(_ name: String, default fallback: Bool = false) -> Bool {
        guard let value = self[name] else { return fallback }
        return !["", "0", "no", "false", "none"].contains(value.lowercased())
    }

    /// A whole number; nil where missing or empty.
    ///
    /// - Throws: `HTTPError` 400 where it is no number.
    public func integer(_ name: String) throws(HTTPError) -> Int? {
        guard let value = self[name], !value.isEmpty else { return nil }
        guard let number = Int(value) else {
            throw HTTPError(.badRequest, "query parameter '\(name)' must be a whole number, not '\(value)'")
        }
        return number
    }

    /// Encodes items as they stand behind a `?`.
    public static func encode(_ items: [(String, String?)]) -> String {
        items.map { name, value in
            let name = PercentCoding.encode(name)
            return value.map { name + "=" + PercentCoding.encode($0) } ?? name
        }.joined(separator: "&")
    }

    private static func decode(_ value: String?) throws(HTTPError) -> String? {
        guard let value else { return nil }
        return try PercentCoding.decode(value, plusIsSpace: true)
    }
}
