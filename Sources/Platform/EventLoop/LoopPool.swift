/// Loops that share descriptors. The first few take all there are while these are not many; then the others help, which would until
/// then only take processors from the rest of the process.
public struct LoopPool: Sendable {
    public let loops: [EventLoop]
    private let steady: Int
    private let crowd: Int

    /// - Parameters:
    ///   - steady: how many loops, from the first on, work from the beginning; at least one.
    ///   - crowd: descriptors on each of these from which on the others help.
    public init(_ loops: [EventLoop], steady: Int, crowd: Int) {
        precondition(!loops.isEmpty, "a pool without loops")
        self.loops = loops
        self.steady = min(max(steady, 1), loops.count)
        self.crowd = crowd
    }

    /// A pool of one.
    public init(_ loop: EventLoop) { self.init([loop], steady: 1, crowd: 0) }

    /// The loop for one more.
    public func next() -> EventLoop {
        if loops.count == 1 { return loops[0] }
        let busy = loops.map(\.watchCount)
        var best = Self.least(busy[..<steady])
        if busy[best] >= crowd { best = Self.least(busy[...]) }
        return loops[best]
    }

    private static func least(_ counts: ArraySlice<Int>) -> Int {
        counts.indices.reduce(counts.startIndex) { counts[$1] < counts[$0] ? $1 : $0 }
    }
}
