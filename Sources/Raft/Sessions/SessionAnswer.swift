internal import Platform

/// What comes of a `SessionCommand`.
public enum SessionAnswer: Equatable, Sendable {
    /// A session of this id is open.
    case opened(UInt64)
    /// What the state machine returned, now or when the command was first applied.
    case applied([UInt8])
    case closed
    /// There is no such session: it was closed, or went unused while too many others were opened. Nothing was applied now;
    /// whether the command was before, nobody knows any more.
    case expired
    /// Applied once, but its answer is no longer kept: the client said that it has it, or has too many unanswered.
    case forgotten

    private enum Tag: UInt8 {
        case opened = 1
        case applied, closed, expired, forgotten
    }

    /// A tag, then the id or the bytes; little-endian.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        switch self {
        case .opened(let session):
            writer.integer(Tag.opened.rawValue)
            writer.integer(session)
        case .applied(let bytes):
            writer.integer(Tag.applied.rawValue)
            writer.raw(bytes)
        case .closed: writer.integer(Tag.closed.rawValue)
        case .expired: writer.integer(Tag.expired.rawValue)
        case .forgotten: writer.integer(Tag.forgotten.rawValue)
        }
        return writer.bytes
    }

    /// Throws `malformed` for anything that `encoded()` would not write.
    public init(decoding bytes: [UInt8]) throws(RaftError) {
        var reader = ByteReader(bytes)
        let rawTag: UInt8 = try reader.integer()
        switch Tag(rawValue: rawTag) {
        case .opened?: self = .opened(try reader.integer())
        case .applied?: self = .applied(try reader.raw(reader.remaining))
        case .closed?: self = .closed
        case .expired?: self = .expired
        case .forgotten?: self = .forgotten
        case nil: throw RaftError(.malformed, "session answer of unknown kind \(rawTag)")
        }
        try reader.expectEnd()
    }
}
