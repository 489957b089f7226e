/// Where in the replicated log the state stands.
public struct LogPosition: Sendable, Hashable {
    public var index: UInt64
    public var term: UInt64

    public init(index: UInt64 = 0, term: UInt64 = 0) {
        self.index = index
        self.term = term
    }
}

/// A committed entry of the log; an empty command only moves the position.
public struct CommittedCommand: Sendable {
    public let position: LogPosition
    public let command: [UInt8]

    public init(position: LogPosition, command: [UInt8]) {
        self.position = position
        self.command = command
    }
}
