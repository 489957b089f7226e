/// What the log drives. Called by one thread at a time, but for `read(from:index:)`; readers of its state are its own business.
///
/// The state machine makes its state and its applied index durable together, when it likes: after a start it is given
/// everything after `appliedIndex` again, or the newest snapshot, where the log no longer reaches back so far.
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

    /// Reads the state of a snapshot at `index` beside the one in force: on any thread, while `apply` goes on.
    ///
    /// Throws what the source throws, and what makes the member stop.
    /// - Returns: what puts it in the place of the one in force, to be called by who applies; it takes no longer for a large
    ///   state. It need not be durable then: see `durableIndex`.
    func read(from source: any ByteSource, index: LogIndex) throws -> () -> Void

    /// The last entry up to which the state that is in force outlives a crash; 0 where nothing of it does yet.
    var durableIndex: LogIndex { get }
}

extension StateMachine {
    public var digest: UInt64? { nil }

    public var durableIndex: LogIndex { appliedIndex }
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
