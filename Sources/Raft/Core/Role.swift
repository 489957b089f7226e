/// What a member is to the others.
public enum Role: String, Sendable {
    case follower
    /// Asks whether it would be elected.
    case preCandidate
    case candidate
    case leader
}

/// A member's view after its role, term or leader changed.
public struct RoleChange: Equatable, Sendable {
    public let role: Role
    public let term: Term
    /// Nil while none is known.
    public let leader: NodeID?
}
