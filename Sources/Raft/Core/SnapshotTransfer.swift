/// A snapshot on its way to a follower, as its leader sees it: pieces go out ahead of their answers, as many as a window holds.
///
/// The follower answers each piece with the byte that it wants next, and holds what came before its turn. A leader that hears of
/// no progress for two heartbeats sends the piece there once more, and one at a time until that is answered.
struct SnapshotTransfer: Sendable, Equatable {
    let metadata: SnapshotMetadata
    /// The follower wants this byte next, as far as is known: it has all before.
    private(set) var offset: UInt64 = 0
    /// Where the next piece begins: all before it is on its way, or was.
    private(set) var sent: UInt64 = 0
    /// The file's size, once a piece was read.
    private(set) var totalBytes: UInt64?
    /// A piece was asked of the disk.
    private(set) var isReading = false
    /// It went back to `offset`, as nothing came of what was sent: the follower may be behind it.
    private(set) var isRepeated = false
    /// How many bytes may be on their way.
    private(set) var window: UInt64 = 0
    /// Pieces without an answer, oldest first: where each ends, and when it was sent.
    private var pieces: [(end: UInt64, at: MonotonicInstant)] = []

    init(metadata: SnapshotMetadata) { self.metadata = metadata }

    static func == (left: SnapshotTransfer, right: SnapshotTransfer) -> Bool {
        left.metadata == right.metadata && left.offset == right.offset && left.sent == right.sent
    }

    /// The last piece is on its way, or was.
    var isSent: Bool { sent == totalBytes }

    /// Where the piece begins that is to be read next; nil where none is to be, or one is being read.
    mutating func nextRead() -> UInt64? {
        // One piece at least is on its way. The first one says how much there is.
        guard !isReading, sent == offset || sent - offset < window, sent < totalBytes ?? 1 else { return nil }
        isReading = true
        return sent
    }

    /// A piece was read, and is on its way. False for one that is not the next.
    mutating func read(_ chunk: Message.SnapshotChunk, at now: MonotonicInstant) -> Bool {
        guard chunk.metadata == metadata else { return false }
        isReading = false
        guard chunk.offset == sent else { return false }
        totalBytes = chunk.totalBytes
        sent += UInt64(chunk.bytes.count)
        pieces.append((sent, now))
        return true
    }

    enum Answer {
        /// It has more than was known, or less: the next piece goes there.
        case moved
        /// It wants what it was sent all of from the start: that did not check, or the follower was restarted.
        case doubted
        /// Something old, or nothing new.
        case ignored
    }

    struct Limits {
        let piece: UInt64
        let window: UInt64
        /// The longest time in which a window's last piece is to be answered: heartbeats wait behind it.
        let patience: Duration
    }

    /// The follower wants the byte at `next`.
    mutating func answered(_ next: UInt64, at now: MonotonicInstant, _ limits: Limits) -> Answer {
        guard next <= totalBytes ?? 0 else { return .ignored }
        if next > offset {
            adapt(next, now, limits)
            (offset, sent, isRepeated) = (next, max(sent, next), false)
            return .moved
        }
        // It forgot what it had, or a late piece of before brought it to where it is.
        if next == 0, offset > 0 || pieces.first?.end == totalBytes {
            if isSent { return .doubted }
            goBack(to: next)
            return .moved
        }
        guard next < offset, isRepeated else { return .ignored }
        goBack(to: next)
        return .moved
    }

    /// Nothing came of what was sent: the next piece is sent once more, and is none where the follower has all.
    mutating func repeatPiece() -> UInt64? {
        guard !isReading else { return nil }
        goBack(to: offset)
        isRepeated = true
        isReading = true
        return offset
    }

    private mutating func goBack(to next: UInt64) {
        (offset, sent, isRepeated) = (next, next, false)
        (pieces, window) = ([], 0)
    }

    /// The window grows by a piece with each answer that comes in time, and is halved by one that does not.
    private mutating func adapt(_ next: UInt64, _ now: MonotonicInstant, _ limits: Limits) {
        var sentAt: MonotonicInstant?
        while let piece = pieces.first, piece.end <= next {
            sentAt = piece.at
            pieces.removeFirst()
        }
        guard let sentAt else { return }
        let isLate = now.elapsed(since: sentAt) > limits.patience
        window = isLate ? window / 2 : min(limits.window, max(window, limits.piece) + limits.piece)
    }
}
