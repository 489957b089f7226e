/// A YAML text with one document, read within limits.
public struct YAMLDocument: Sendable {
    /// What is more is refused.
    public struct Limits: Sendable {
        /// Bytes of the text.
        public var bytes = 4 << 20
        /// Sequences and mappings within each other.
        public var depth = 100
        /// Nodes, counted as often as aliases and merge keys bring them.
        public var nodes = 1_000_000

        public init() {}
    }

    /// The value of the document; null for an empty text.
    public let root: YAMLNode

    /// Reads a text in UTF-8 (or UTF-16 with a byte order mark).
    public init(_ bytes: [UInt8], limits: Limits = Limits()) throws(YAMLError) {
        let beginning = YAMLMark(line: 1, column: 1)
        guard bytes.count <= limits.bytes else {
            throw YAMLError(.limit, "longer than \(limits.bytes) bytes", at: beginning)
        }
        var events = YAMLEventSource(bytes)
        var composer = YAMLComposer(limits: limits)
        var root: YAMLNode?
        while true {
            let (event, mark) = try events.next()
            switch event {
            case .documentStart:
                guard root == nil else {
                    throw YAMLError(.severalDocuments, "a second document; only one is taken", at: mark)
                }
            case .documentEnd:
                root = composer.finish(at: mark)
            case .streamEnd:
                self.root = root ?? YAMLNode(.scalar(YAMLScalar("", isPlain: true)), at: beginning)
                return
            default:
                try composer.take(event, at: mark)
            }
        }
    }

    public init(_ text: String, limits: Limits = Limits()) throws(YAMLError) {
        try self.init(Array(text.utf8), limits: limits)
    }
}
