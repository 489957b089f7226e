internal import Platform

/// Whether bytes that come piece by piece begin and end as a backup does.
public struct BackupCheck: ~Copyable {
    /// Bytes so far.
    public private(set) var size = 0
    private var hasher = Digest.SHA256Hasher()
    private var beginning: [UInt8] = []
    /// The last bytes so far, which may be the digest.
    private var tail: [UInt8] = []

    public init() {}

    /// Takes more in; returns what is known not to be the digest, in the order of all.
    @discardableResult
    public mutating func take(_ piece: [UInt8]) -> [UInt8] {
        size += piece.count
        if beginning.count < BackupFrame.magic.count {
            beginning += piece.prefix(BackupFrame.magic.count - beginning.count)
        }
        tail += piece
        let surplus = tail.count - BackupFrame.digestBytes
        guard surplus > 0 else { return [] }
        let content = Array(tail[..<surplus])
        hasher.update(content)
        tail.removeFirst(surplus)
        return content
    }

    /// Whether they begin so, as far as they are there.
    public var hasMagic: Bool { !beginning.isEmpty && BackupFrame.magic.starts(with: beginning) }

    /// Whether they are all, and what they should be. To be asked once, at the end.
    public mutating func isWhole() -> Bool {
        guard beginning == BackupFrame.magic else { return false }
        var ended = Digest.SHA256Hasher()
        swap(&ended, &hasher)
        return ended.finish() == tail
    }
}
