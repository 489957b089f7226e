/// The constraints of a service; a node must fulfil all.
public struct ConstraintSet: Sendable, Equatable {
    /// The most constraints one service may have.
    public static let maximumCount = 256

    public let constraints: [Constraint]

    /// Reads all of them; nil or an empty list is fulfilled by every node.
    public init(_ texts: [String]?) throws(ConstraintError) {
        let texts = texts ?? []
        guard texts.count <= ConstraintSet.maximumCount else {
            throw ConstraintError(constraint: "", reason: .tooMany)
        }
        var constraints: [Constraint] = []
        for text in texts {
            constraints.append(try Constraint(text))
        }
        self.constraints = constraints
    }

    /// Whether the node meets all of them.
    public func isSatisfied(by node: NodeTraits) -> Bool {
        constraints.allSatisfy { $0.isSatisfied(by: node) }
    }
}
