/// What a member must never forget: the term it is in, and whom it voted for in that term.
public struct HardState: Equatable, Sendable {
    public var term: Term
    public var vote: NodeID?

    public init(term: Term = 0, vote: NodeID? = nil) {
        self.term = term
        self.vote = vote
    }
}
