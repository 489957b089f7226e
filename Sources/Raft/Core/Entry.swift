/// One entry of the replicated log. `(index, term)` names it: two logs that hold the same pair hold the same entry.
public struct Entry: Equatable, Sendable {
    /// What an entry is for; the raw value is part of the log's format.
    public enum Kind: UInt8, Sendable {
        /// Nothing; what a new leader commits first, to learn what is committed.
        case noop = 0
        /// The state machine's own bytes.
        case command = 1
        /// An encoded `Configuration`, in force from the moment it is appended.
        case configuration = 2
    }

    public let index: LogIndex
    public let term: Term
    public let kind: Kind
    public let data: [UInt8]

    public init(index: LogIndex, term: Term, kind: Kind, data: [UInt8]) {
        self.index = index
        self.term = term
        self.kind = kind
        self.data = data
    }

    /// What an entry costs on the wire and on disk beside its data.
    static let overheadBytes = 13

    package var cost: Int { data.count + Self.overheadBytes }
}
