/// What a snapshot stands for: all entries up to `index`, and the configuration in force there.
public struct SnapshotMetadata: Equatable, Sendable {
    public let index: LogIndex
    public let term: Term
    public let configuration: Configuration

    public init(index: LogIndex, term: Term, configuration: Configuration) {
        self.index = index
        self.term = term
        self.configuration = configuration
    }
}
