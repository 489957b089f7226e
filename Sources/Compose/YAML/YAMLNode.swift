/// A value of a YAML document with the place where it was written. Aliases and merge keys are expanded already.
public struct YAMLNode: Sendable {
    /// What a node is: a scalar, a sequence or a mapping.
    public enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// In the order of the text, no key twice; what a merge key brought comes last.
        case mapping([Entry])
    }

    /// One key of a mapping and its value.
    public struct Entry: Sendable {
        public let key: YAMLNode
        public let value: YAMLNode
    }

    public let content: Content
    /// The explicit tag, `!!str` in its long form; nil for none.
    public let tag: String?
    public let mark: YAMLMark

    init(_ content: Content, tag: String? = nil, at mark: YAMLMark) {
        self.content = content
        self.tag = tag
        self.mark = mark
    }

    /// The scalar's value; nil for sequences and mappings.
    public var scalar: YAMLScalar.Value? {
        if case .scalar(let scalar) = content { scalar.value } else { nil }
    }

    /// A string's text; nil for everything else.
    public var string: String? {
        if case .string(let text)? = scalar { text } else { nil }
    }

    /// The text of any scalar as it was written, for values like ports and sizes that may look like numbers.
    public var text: String? {
        if case .scalar(let scalar) = content { scalar.text } else { nil }
    }

    public var integer: Int64? {
        if case .integer(let number)? = scalar { number } else { nil }
    }

    public var boolean: Bool? {
        if case .boolean(let value)? = scalar { value } else { nil }
    }

    public var isNull: Bool { scalar == .null }

    public var sequence: [YAMLNode]? {
        if case .sequence(let nodes) = content { nodes } else { nil }
    }

    public var mapping: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The value under a key of a mapping that is spelt so; nil where there is none, or no mapping.
    public subscript(key: String) -> YAMLNode? {
        mapping?.first { $0.key.text == key }?.value
    }
}
