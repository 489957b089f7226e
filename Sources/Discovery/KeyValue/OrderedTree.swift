/// A sorted collection with cheap copies: a tree of small nodes, of which a write copies only the path to the element,
/// and only where a copy shares it.
struct OrderedTree<Element: Sendable>: Sendable {
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

        init(elements: [Element] = [], children: [Node] = []) {
            self.elements = elements
            self.children = children
        }

        var first: Element? { children.isEmpty ? elements.first : children[0].first }
        var size: Int { children.isEmpty ? elements.count : children.count }
        func copy() -> Node { Node(elements: elements, children: children) }
    }

    private var root = Node()
    private(set) var count = 0
    /// The order of two elements.
    private let precedes: @Sendable (Element, Element) -> Bool

    init(by precedes: @escaping @Sendable (Element, Element) -> Bool) { self.precedes = precedes }

    /// The first element for which `isBelow` is false; those for which it is true come before all others.
    func first(notBelow isBelow: (Element) -> Bool) -> Element? {
        var found: Element?
        scan(root, isBelow) {
            found = $0
            return false
        }
        return found
    }

    /// Calls `body` with the elements from the first for which `isBelow` is false, until it returns false.
    func visit(notBelow isBelow: (Element) -> Bool = { _ in false }, _ body: (Element) throws -> Bool) rethrows {
        try scan(root, isBelow, body)
    }

    /// Puts the element in, in place of an equal one.
    mutating func put(_ element: Element) {
        if !isKnownUniquelyReferenced(&root) { root = root.copy() }
        if let right = insert(element, into: root) { root = Node(children: [root, right]) }
    }

    /// Takes out the element equal to this one.
    mutating func remove(_ element: Element) {
        if !isKnownUniquelyReferenced(&root) { root = root.copy() }
        remove(element, from: root)
        while root.children.count == 1 { root = root.children[0] }
    }

    @discardableResult
    private func scan(_ node: Node, _ isBelow: (Element) -> Bool, _ body: (Element) throws -> Bool) rethrows -> Bool {
        if node.children.isEmpty {
            for element in node.elements[Self.partition(node.elements, isBelow)...] where try !body(element) {
                return false
            }
            return true
        }
        let start = Self.partition(node.children) { $0.first.map(isBelow) ?? true }
        for child in node.children[max(0, start - 1)...] where try !scan(child, isBelow, body) { return false }
        return true
    }

    /// The right half where the node had to be split.
    private mutating func insert(_ element: Element, into node: Node) -> Node? {
        if node.children.isEmpty {
            let position = Self.partition(node.elements) { precedes($0, element) }
            if position < node.elements.count, !precedes(element, node.elements[position]) {
                node.elements[position] = element
                return nil
            }
            node.elements.insert(element, at: position)
            count += 1
        } else {
            let position = childIndex(for: element, in: node)
            if !isKnownUniquelyReferenced(&node.children[position]) {
                node.children[position] = node.children[position].copy()
            }
            if let right = insert(element, into: node.children[position]) {
                node.children.insert(right, at: position + 1)
            }
        }
        guard node.size > Self.width else { return nil }
        return split(node, isAtEnd: node.elements.last.map { !precedes(element, $0) } ?? false)
    }

    /// Elements that come in order leave full nodes behind.
    private func split(_ node: Node, isAtEnd: Bool) -> Node {
        let keep = isAtEnd ? node.size - 1 : node.size / 2
        let right = Node(
            elements: Array(node.elements.dropFirst(keep)), children: Array(node.children.dropFirst(keep)))
        node.elements = Array(node.elements.prefix(keep))
        node.children = Array(node.children.prefix(keep))
        return right
    }

    private mutating func remove(_ element: Element, from node: Node) {
        if node.children.isEmpty {
            let position = Self.partition(node.elements) { precedes($0, element) }
            guard position < node.elements.count, !precedes(element, node.elements[position]) else { return }
            node.elements.remove(at: position)
            count -= 1
            return
        }
        let position = childIndex(for: element, in: node)
        if !isKnownUniquelyReferenced(&node.children[position]) {
            node.children[position] = node.children[position].copy()
        }
        remove(element, from: node.children[position])
        if node.children[position].size == 0 { node.children.remove(at: position) }
    }

    /// The last child that begins at or before the element.
    private func childIndex(for element: Element, in node: Node) -> Int {
        max(0, Self.partition(node.children) { $0.first.map { !precedes(element, $0) } ?? true } - 1)
    }

    /// How many items at the beginning satisfy the predicate; none does behind the first that does not.
    private static func partition<Item>(_ items: [Item], _ isBefore: (Item) -> Bool) -> Int {
        var low = 0
        var high = items.count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(items[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
