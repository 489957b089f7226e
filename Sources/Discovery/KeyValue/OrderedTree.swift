/// What an `OrderedTree` holds: in the order of its keys, one of each.
protocol TreeElement: Sendable {
    associatedtype TreeKey: Sendable

    var treeKey: TreeKey { get }
    /// The key in a form that may outlive the element.
    var separator: TreeKey { get }
    static func precedes(_ left: TreeKey, _ right: TreeKey) -> Bool
    /// Whether the element's key comes before the key.
    static func precedes(_ element: Self, key: TreeKey) -> Bool
}

extension TreeElement {
    static func precedes(_ element: Self, key: TreeKey) -> Bool { precedes(element.treeKey, key) }
    var separator: TreeKey { treeKey }
}

/// A sorted collection with cheap copies: a B+ tree of small nodes, of which a write copies only the path to the element,
/// and only where a copy of the collection shares it.
struct OrderedTree<Element: TreeElement>: Sendable {
    typealias Key = Element.TreeKey

    /// Elements or children of one node.
    private static var width: Int { 48 }

    /// Immutable while shared.
    ///
    /// `@unchecked`: changed only through `isKnownUniquelyReferenced`, by the one value that holds it.
    private final class Node: @unchecked Sendable {
        /// Of a leaf; in order.
        var elements: [Element]
        /// Of an inner node; none is empty.
        var children: [Node]
        /// Of an inner node, for each child but the first: no element below it comes before, all of those before it do.
        var separators: [Key]

        init(elements: [Element] = [], children: [Node] = [], separators: [Key] = []) {
            self.elements = elements
            self.children = children
            self.separators = separators
        }

        var size: Int { children.isEmpty ? elements.count : children.count }
        func copy() -> Node { Node(elements: elements, children: children, separators: separators) }
    }

    /// Nil while it is empty.
    private var root: Node?
    private(set) var count = 0

    /// The element of that key.
    func find(_ key: Key) -> Element? {
        guard var node = root else { return nil }
        while !node.children.isEmpty { node = node.children[Self.childIndex(of: key, in: node)] }
        let position = Self.position(of: key, in: node.elements)
        guard position < node.elements.count, !Element.precedes(key, node.elements[position].treeKey) else {
            return nil
        }
        return node.elements[position]
    }

    /// Calls `body` with the elements in order, from the key on where one is given, until it returns false.
    func visit(from key: Key? = nil, _ body: (Element) throws -> Bool) rethrows {
        if let root { try Self.scan(root, key, body) }
    }

    /// Puts the element in, in place of the one of the same key, which is returned.
    @discardableResult
    mutating func put(_ element: Element) -> Element? { change(element.treeKey) { _ in element } }

    /// Puts what `body` makes of the element of that key, which is nil where there is none, in its place, all in one way down; where
    /// it makes nothing, nothing changes.
    ///
    /// - Returns: the element that was replaced.
    @discardableResult
    mutating func change(_ key: Key, _ body: (Element?) -> Element?) -> Element? {
        guard var node = root else {
            guard let element = body(nil) else { return nil }
            root = Node(elements: [element])
            count = 1
            return nil
        }
        root = nil
        if !isKnownUniquelyReferenced(&node) { node = node.copy() }
        var replaced: Element?
        if let (right, separator) = change(key, in: node, &replaced, body) {
            root = Node(children: [node, right], separators: [separator])
        } else {
            root = node
        }
        return replaced
    }

    /// Takes out the element of that key.
    mutating func remove(_ key: Key) {
        guard var node = root else { return }
        root = nil
        if !isKnownUniquelyReferenced(&node) { node = node.copy() }
        remove(key, from: node)
        while node.children.count == 1 { node = node.children[0] }
        root = node.size == 0 ? nil : node
    }

    @discardableResult
    private static func scan(_ node: Node, _ key: Key?, _ body: (Element) throws -> Bool) rethrows -> Bool {
        if node.children.isEmpty {
            let start = key.map { position(of: $0, in: node.elements) } ?? 0
            for element in node.elements[start...] where try !body(element) { return false }
            return true
        }
        let start = key.map { childIndex(of: $0, in: node) } ?? 0
        if try !scan(node.children[start], key, body) { return false }
        for child in node.children[(start + 1)...] where try !scan(child, nil, body) { return false }
        return true
    }

    /// The right half, and where it begins, if the node had to be split.
    private mutating func change(
        _ key: Key, in node: Node, _ replaced: inout Element?, _ body: (Element?) -> Element?
    ) -> (Node, Key)? {
        var isAtEnd = false
        if node.children.isEmpty {
            let position = Self.position(of: key, in: node.elements)
            if position < node.elements.count, !Element.precedes(key, node.elements[position].treeKey) {
                let found = node.elements[position]
                guard let element = body(found) else { return nil }
                node.elements[position] = element
                replaced = found
                return nil
            }
            guard let element = body(nil) else { return nil }
            isAtEnd = position == node.elements.count
            node.elements.insert(element, at: position)
            count += 1
        } else {
            let position = Self.childIndex(of: key, in: node)
            if !isKnownUniquelyReferenced(&node.children[position]) {
                node.children[position] = node.children[position].copy()
            }
            if let (right, separator) = change(key, in: node.children[position], &replaced, body) {
                isAtEnd = position == node.children.count - 1
                node.children.insert(right, at: position + 1)
                node.separators.insert(separator, at: position)
            }
        }
        return node.size > Self.width ? split(node, isAtEnd: isAtEnd) : nil
    }

    /// Elements that come in order leave full nodes behind.
    private func split(_ node: Node, isAtEnd: Bool) -> (Node, Key) {
        let keep = isAtEnd ? node.size - 1 : node.size / 2
        guard node.children.isEmpty else {
            let right = Node(
                children: Array(node.children[keep...]), separators: Array(node.separators[keep...]))
            let separator = node.separators[keep - 1]
            node.children.removeSubrange(keep...)
            node.separators.removeSubrange((keep - 1)...)
            return (right, separator)
        }
        let right = Node(elements: Array(node.elements[keep...]))
        node.elements.removeSubrange(keep...)
        return (right, right.elements[0].separator)
    }

    private mutating func remove(_ key: Key, from node: Node) {
        if node.children.isEmpty {
            let position = Self.position(of: key, in: node.elements)
            guard position < node.elements.count, !Element.precedes(key, node.elements[position].treeKey) else {
                return
            }
            node.elements.remove(at: position)
            count -= 1
            return
        }
        let position = Self.childIndex(of: key, in: node)
        if !isKnownUniquelyReferenced(&node.children[position]) {
            node.children[position] = node.children[position].copy()
        }
        remove(key, from: node.children[position])
        guard node.children[position].size == 0 else { return }
        node.children.remove(at: position)
        if !node.separators.isEmpty { node.separators.remove(at: max(0, position - 1)) }
    }

    /// The child that has the key's place.
    private static func childIndex(of key: Key, in node: Node) -> Int {
        var low = 0
        var high = node.separators.count
        while low < high {
            let middle = (low + high) / 2
            if Element.precedes(key, node.separators[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// How many elements come before the key.
    private static func position(of key: Key, in elements: [Element]) -> Int {
        var low = 0
        var high = elements.count
        while low < high {
            let middle = (low + high) / 2
            if Element.precedes(elements[middle], key: key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
