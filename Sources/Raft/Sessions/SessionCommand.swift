internal import Platform

/// A command that is applied once however often it is proposed (thesis §6.3): a client that got no answer proposes it again,
/// to whoever leads by then, and gets the first one's answer.
///
/// The state machine keeps a `SessionTable` as part of its state, and lets that decide.
public enum SessionCommand: Equatable, Sendable {
    /// Opens a session. One proposed twice opens two; the one that nobody uses is forgotten in time.
    case open
    /// `sequence` counts the session's commands from 1. All answers below `firstUnanswered` have reached the client, which
    /// proposes none of those again.
    case command(session: UInt64, sequence: UInt64, firstUnanswered: UInt64, bytes: [UInt8])
    case close(session: UInt64)

    private static let version: UInt8 = 1

    private enum Tag: UInt8 {
        case open = 1
        case command, close
    }

    /// Version, tag, then the fields; little-endian.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(Self.version)
        switch self {
        case .open:
            writer.integer(Tag.open.rawValue)
        case .command(let session, let sequence, let firstUnanswered, let bytes):
            writer.integer(Tag.command.rawValue)
            writer.integer(session)
            writer.integer(sequence)
            writer.integer(firstUnanswered)
            writer.raw(bytes)
        case .close(let session):
            writer.integer(Tag.close.rawValue)
            writer.integer(session)
        }
        return writer.bytes
    }

    /// Throws `malformed` for anything that `encoded()` would not write.
    public init(decoding bytes: [UInt8]) throws(RaftError) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.integer()
        guard version == Self.version else { throw RaftError(.malformed, "session command of version \(version)") }
        let rawTag: UInt8 = try reader.integer()
        switch Tag(rawValue: rawTag) {
        case .open?: self = .open
        case .command?:
            self = .command(
                session: try reader.integer(), sequence: try reader.integer(), firstUnanswered: try reader.integer(),
                bytes: try reader.raw(reader.remaining))
        case .close?: self = .close(session: try reader.integer())
        case nil: throw RaftError(.malformed, "session command of unknown kind \(rawTag)")
        }
        try reader.expectEnd()
    }
}
