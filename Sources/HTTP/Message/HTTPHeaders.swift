/// The header fields of a message, in order, repeated names kept. Names compare without regard to case.
public struct HTTPHeaders: Sendable, Sequence, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    /// One field line.
    public struct Field: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    private var fields: [Field]

    /// No fields.
    public init() { fields = [] }

    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    public var count: Int { fields.count }
    public var isEmpty: Bool { fields.isEmpty }

    public func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }

    /// The first value of `name`; setting replaces every field of that name, nil removes them.
    public subscript(_ name: String) -> String? {
        get { fields.first { $0.name.equalsIgnoringCase(name) }?.value }
        set {
            guard let newValue else { return remove(name) }
            let field = Field(name: name, value: newValue)
            guard let index = fields.firstIndex(where: { $0.name.equalsIgnoringCase(name) }) else {
                return fields.append(field)
            }
            remove(name)
            fields.insert(field, at: index)
        }
    }

    /// Adds a field line and keeps those of the same name.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Adds every field of `other`.
    public mutating func add(_ other: HTTPHeaders) { fields.append(contentsOf: other.fields) }

    /// Removes every field of that name.
    public mutating func remove(_ name: String) {
        fields.removeAll { $0.name.equalsIgnoringCase(name) }
    }

    /// Every value of `name`, one per field line.
    public func values(of name: String) -> [String] {
        fields.compactMap { $0.name.equalsIgnoringCase(name) ? $0.value : nil }
    }

    /// The comma-separated elements of all fields of `name`, trimmed, in lower case (`Connection`, `Upgrade`).
    public func tokens(of name: String) -> [String] {
        values(of: name).flatMap { value in
            value.split(separator: ",").compactMap { element in
                let trimmed = element.drop { $0 == " " || $0 == "\t" }
                let end = trimmed.lastIndex { $0 != " " && $0 != "\t" }
                return end.map { trimmed[...$0].lowercased() }
            }
        }
    }

    public var description: String { fields.map { "\($0.name): \($0.value)" }.joined(separator: "\r\n") }

    mutating func reserve(_ capacity: Int) { fields.reserveCapacity(capacity) }
}

extension String {
    /// ASCII case-insensitive equality, as header names compare.
    func equalsIgnoringCase(_ other: String) -> Bool {
        let left = utf8
        let right = other.utf8
        guard left.count == right.count else { return false }
        return left.elementsEqual(right) { $0 == $1 || lowercase($0) == lowercase($1) }
    }
}
