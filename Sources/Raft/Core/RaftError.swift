/// What went wrong in this module: a code to act on, words for people, and the cause below.
public struct RaftError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for those who act on it.
    public enum Code: Sendable, Equatable {
        /// Ask `leader` instead, if it is known.
        case notLeader(leader: Member?)
        /// Too much is waiting already; try again later. Nothing was taken.
        case overloaded
        /// The member has stopped; for a proposal in flight the outcome is unknown.
        case stopped
        /// Another entry is committed in its place: it was not applied and never will be.
        case droppedByNewLeader
        /// No answer in time; a proposal may still be applied.
        case timedOut
        /// Another configuration change is not committed yet, or the leader has not committed in its term yet; try again.
        case changeInProgress
        /// The change makes no sense for this configuration.
        case invalidChange
        /// The proposal exceeds the limit of one.
        case tooLarge
        /// There is no space for more log entries; reads go on, writes return when there is space.
        case diskFull
        /// Bytes from the network or a file that do not parse.
        case malformed
        /// A file fails its checksum in a place where no crash can have done it.
        case corrupted
        /// A file of a version that this one does not know.
        case newerFormat
        /// A file that is whole and sealed with a key that this node does not have.
        case wrongKey
        /// The disk failed. The member stops for good and does not try again.
        case storageFailed
        /// The member broke a rule of the protocol, or saw another break it; it stops.
        case protocolViolated
        /// This member's state differs from what most have; it answers again once it has been given theirs. Ask another one.
        case diverged
        /// The directory holds a log already, or that of another member.
        case alreadyInUse
    }

    public let code: Code
    public let message: String
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String {
        guard let cause else { return "raft: \(message)" }
        return "raft: \(message): \(cause)"
    }
}
