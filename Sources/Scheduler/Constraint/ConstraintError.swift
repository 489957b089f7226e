/// A constraint that cannot be read: which, why, and what would be right.
public struct ConstraintError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the text.
    public enum Reason: Sendable, Equatable {
        case tooLong
        case tooMany
        case noOperator
        case badKey(String)
        case badValue(String)
        case unknownKey(String)
    }

    public let constraint: String
    public let reason: Reason

    public init(constraint: String, reason: Reason) {
        self.constraint = constraint
        self.reason = reason
    }

    public var description: String {
        switch reason {
        case .tooLong: "constraint '\(constraint)' is longer than \(Constraint.maximumLength) bytes"
        case .tooMany: "more than \(ConstraintSet.maximumCount) constraints"
        case .noOperator: "constraint '\(constraint)': expected one operator of ==, !="
        case .badKey(let key): "constraint '\(constraint)': key '\(key)' is invalid"
        case .badValue(let value): "constraint '\(constraint)': value '\(value)' is invalid"
        case .unknownKey(let key):
            "constraint '\(constraint)': unknown key '\(key)'; use node.id, node.hostname, node.role, node.platform.os, "
                + "node.platform.arch, node.labels.NAME or engine.labels.NAME"
        }
    }
}
