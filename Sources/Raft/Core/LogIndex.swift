/// A position in the replicated log. The first entry is 1; 0 stands before it.
public typealias LogIndex = UInt64

/// Raft's logical clock: at most one leader is elected in a term.
public typealias Term = UInt64
