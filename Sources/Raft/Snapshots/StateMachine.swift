/// What the log drives. Called by one thread at a time, never by two; readers of its state are its own business.
///
/// The state machine makes its state and its applied index durable together, when it likes: after a start it is given
/// everything after `appliedIndex` again.
public protocol StateMachine: AnyObject {
    /// The last entry that is part of the state. When the member starts: the last whose effects survived.
    var appliedIndex: LogIndex { get }

    /// Applies committed entries, in order, the first being `appliedIndex + 1`. Returns one result for each, for whoever
    /// proposed it. Entries that are not of kind `.command` only move the applied index; their result is empty.
    ///
    /// A throw stops the member for good: it must mean that it cannot go on, not that a command is refused.
    func apply(_ entries: [Entry]) throws -> [[UInt8]]

    /// The state as of now, or as of a moment a little earlier, to be read piece by piece while `apply` goes on.
    func snapshot() throws -> StateSnapshot

    /// Stands for the state as it is now: the same on all members at the same index. Nil where the state machine has none.
    var digest: UInt64? { get }

    /// Replaces the state by that of a snapshot at `index`; durable on return, the applied index with it.
    func restore(from source: any ByteSource, index: LogIndex) throws
}

extension StateMachine {
    public var digest: UInt64? { nil }
}

/// A state that holds still, and the entry up to which it goes.
public struct StateSnapshot {
    public let index: LogIndex
    public let source: any ByteSource

    public init(index: LogIndex, source: any ByteSource) {
        self.index = index
        self.source = source
    }
}

/// Bytes read once, from first to last.
public protocol ByteSource: AnyObject {
    /// At most `limit` bytes; none at the end.
    func read(upTo limit: Int) throws -> [UInt8]
}
