public import Platform

/// A node that was removed: its certificate counts for nothing, as long as it is valid.
public struct RemovedNode: ClusterObject {
    public static let table = "removed-nodes"

    /// The node's id.
    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    /// When no certificate of it is valid any more.
    public var forgottenAfter: Timestamp

    public var name: String? { nil }

    public init(id: String, createdAt: Timestamp, forgottenAfter: Timestamp) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.forgottenAfter = forgottenAfter
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case forgottenAfter = "ForgottenAfter"
    }
}
