/// The snapshot that a follower is receiving.
struct IncomingSnapshot: Sendable {
    let from: NodeID
    let metadata: SnapshotMetadata
    let totalBytes: UInt64
    /// All before this byte has been taken.
    private(set) var nextOffset: UInt64 = 0
    /// Pieces that came before those that they follow, by offset.
    private var early: [Message.SnapshotChunk] = []

    init(from: NodeID, metadata: SnapshotMetadata, totalBytes: UInt64) {
        self.from = from
        self.metadata = metadata
        self.totalBytes = totalBytes
    }

    /// All of it is there; its state is being read.
    var isWhole: Bool { nextOffset == totalBytes }

    /// Whether a piece is one of this snapshot's.
    func isPart(_ chunk: Message.SnapshotChunk, from sender: NodeID) -> Bool {
        from == sender && metadata == chunk.metadata && totalBytes == chunk.totalBytes
    }

    /// Takes a piece, or holds it until its turn comes, if it and those held are no more than `limit` bytes.
    ///
    /// - Returns: what is to be written now, in order.
    mutating func take(_ chunk: Message.SnapshotChunk, holding limit: Int) -> [Message.SnapshotChunk] {
        guard !chunk.bytes.isEmpty, chunk.offset >= nextOffset, chunk.offset < totalBytes,
            UInt64(chunk.bytes.count) <= totalBytes - chunk.offset
        else { return [] }
        guard chunk.offset == nextOffset else {
            hold(chunk, limit)
            return []
        }
        var taken = [chunk]
        nextOffset += UInt64(chunk.bytes.count)
        while let next = early.first, next.offset <= nextOffset {
            early.removeFirst()
            guard next.offset == nextOffset else { continue }
            taken.append(next)
            nextOffset += UInt64(next.bytes.count)
        }
        return taken
    }

    private mutating func hold(_ chunk: Message.SnapshotChunk, _ limit: Int) {
        let held = early.reduce(0) { $0 + $1.bytes.count }
        guard held + chunk.bytes.count <= limit, !early.contains(where: { $0.offset == chunk.offset }) else { return }
        early.insert(chunk, at: early.firstIndex { $0.offset > chunk.offset } ?? early.count)
    }
}
