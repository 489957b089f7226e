/// Builds the tree of a document from its events, without recursion.
struct YAMLComposer {
    /// A collection whose end has not come yet.
    private struct Open {
        var anchor: String?
        var tag: String?
        var mark: YAMLMark
        var isMapping: Bool
        var items: [YAMLNode] = []
        var entries: [YAMLNode.Entry] = []
        var keys: Set<String> = []
        var key: YAMLNode?
        /// What `<<` named, to be merged at the end.
        var merged: [YAMLNode] = []
        /// Nodes in it so far, itself and expanded ones among them.
        var size = 1
    }

    private struct Anchored {
        var node: YAMLNode
        var size: Int
    }

    private let limits: YAMLDocument.Limits
    private var stack: [Open] = []
    private var anchors: [String: Anchored] = [:]
    private var root: YAMLNode?

    init(limits: YAMLDocument.Limits) {
        self.limits = limits
    }

    /// The document that has ended.
    mutating func finish(at mark: YAMLMark) -> YAMLNode {
        defer {
            root = nil
            anchors = [:]
        }
        return root ?? YAMLNode(.scalar(YAMLScalar("", isPlain: true)), at: mark)
    }

    mutating func take(_ event: YAMLEventSource.Event, at mark: YAMLMark) throws(YAMLError) {
        switch event {
        case .scalar(let text, let anchor, let tag, let isPlain):
            let node = try scalar(text, tag: tag, isPlain: isPlain, at: mark)
            remember(anchor, node, size: 1)
            try add(node, size: 1, at: mark)
        case .alias(let name):
            guard let anchored = anchors[name] else {
                if stack.contains(where: { $0.anchor == name }) {
                    throw YAMLError(.recursiveAlias, "*\(name) stands for what it is in", at: mark)
                }
                throw YAMLError(.unknownAlias, "*\(name): there is no &\(name) before it", at: mark)
            }
            try add(anchored.node, size: anchored.size, at: mark)
        case .sequenceStart(let anchor, let tag):
            try open(Open(anchor: anchor, tag: tag, mark: mark, isMapping: false))
        case .mappingStart(let anchor, let tag):
            try open(Open(anchor: anchor, tag: tag, mark: mark, isMapping: true))
        case .sequenceEnd, .mappingEnd:
            try close(at: mark)
        case .documentStart, .documentEnd, .streamEnd:
            break
        }
    }

    private func scalar(
        _ text: String, tag: String?, isPlain: Bool, at mark: YAMLMark
    ) throws(YAMLError) -> YAMLNode {
        guard let tag else { return YAMLNode(.scalar(YAMLScalar(text, isPlain: isPlain)), at: mark) }
        guard let scalar = YAMLScalar(text, tag: tag) else {
            throw YAMLError(.badScalar, "'\(text.prefix(40))' does not fit the tag \(tag)", at: mark)
        }
        return YAMLNode(.scalar(scalar), tag: tag, at: mark)
    }

    private mutating func remember(_ anchor: String?, _ node: YAMLNode, size: Int) {
        if let anchor {
            anchors[anchor] = Anchored(node: node, size: size)
        }
    }

    private mutating func open(_ collection: Open) throws(YAMLError) {
        guard stack.count < limits.depth else {
            throw YAMLError(.limit, "nested deeper than \(limits.depth)", at: collection.mark)
        }
        // From here on its anchor names it, and no longer one before.
        if let anchor = collection.anchor {
            anchors[anchor] = nil
        }
        stack.append(collection)
    }

    private mutating func close(at mark: YAMLMark) throws(YAMLError) {
        guard var collection = stack.popLast() else { return }
        let content: YAMLNode.Content
        if collection.isMapping {
            for source in collection.merged {
                for entry in source.mapping ?? [] where collection.keys.insert(identity(of: entry.key)).inserted {
                    collection.entries.append(entry)
                }
            }
            content = .mapping(collection.entries)
        } else {
            content = .sequence(collection.items)
        }
        let node = YAMLNode(content, tag: collection.tag, at: collection.mark)
        remember(collection.anchor, node, size: collection.size)
        try add(node, size: collection.size, at: mark)
    }

    /// Puts a finished node where it belongs.
    private mutating func add(_ node: YAMLNode, size: Int, at mark: YAMLMark) throws(YAMLError) {
        guard !stack.isEmpty else {
            root = node
            return
        }
        let last = stack.count - 1
        stack[last].size += size
        guard stack[last].size <= limits.nodes else {
            throw YAMLError(.limit, "more than \(limits.nodes) nodes, with aliases expanded", at: mark)
        }
        guard stack[last].isMapping else {
            stack[last].items.append(node)
            return
        }
        guard let key = stack[last].key else {
            stack[last].key = node
            return
        }
        stack[last].key = nil
        if isMerge(key) {
            stack[last].merged += try mergeSources(node, at: mark)
            return
        }
        guard stack[last].keys.insert(identity(of: key)).inserted else {
            throw YAMLError(.duplicateKey, "the key '\(key.text ?? "")' is there already", at: key.mark)
        }
        stack[last].entries.append(YAMLNode.Entry(key: key, value: node))
    }

    /// An untagged plain `<<`, which tells it from a quoted one only by its value: both are strings, and both merge.
    private func isMerge(_ key: YAMLNode) -> Bool {
        key.tag == nil && key.text == "<<" || key.tag == "tag:yaml.org,2002:merge"
    }

    private func mergeSources(_ node: YAMLNode, at mark: YAMLMark) throws(YAMLError) -> [YAMLNode] {
        let sources = node.sequence ?? [node]
        guard sources.allSatisfy({ $0.mapping != nil }) else {
            throw YAMLError(.badMerge, "<<: takes a mapping or a list of mappings", at: node.mark)
        }
        return sources
    }

    /// What makes two keys the same: the scalar's text, as compose files have no other keys.
    private func identity(of key: YAMLNode) -> String {
        key.text.map { "s\($0)" } ?? "c\(key.mark.line):\(key.mark.column)"
    }
}
