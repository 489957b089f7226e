internal import Platform
public import Store

/// The kind `session`: a session begins, sessions end, or delays of locks do. Who decides that it is time is the leader; the
/// state knows no clock.
///
/// `format u8, operation u8`, then for `create` a session's row, for `destroy` `count u16` and ids, for `endDelays` `count u16`
/// and pairs of key and revision.
public struct SessionCommand: CommandKind {
    private static let format: UInt8 = 1

    private enum Operation: UInt8 {
        case create = 1
        case destroy = 2
        case endDelays = 3
    }

    enum Limits {
        /// Sessions or delays that one command ends.
        static let batch = 128
    }

    /// What the proposer learns.
    enum Outcome: UInt8 {
        case done = 1
        /// There is one of that id.
        case exists = 2
        case tooMany = 3
    }

    public let name = "session"

    public init() {}

    static func create(_ session: KeySession) -> Command {
        var writer = begin(.create)
        writer.raw(session.row)
        return Command(kind: "session", payload: writer.bytes)
    }

    /// - Parameter ids: at most `Limits.batch`.
    static func destroy(_ ids: [String]) -> Command {
        var writer = begin(.destroy)
        writer.integer(UInt16(clamping: ids.count))
        for id in ids { writer.string(id) }
        return Command(kind: "session", payload: writer.bytes)
    }

    /// - Parameter delays: at most `Limits.batch`.
    static func endDelays(_ delays: [(key: [UInt8], revision: UInt64)]) -> Command {
        var writer = begin(.endDelays)
        writer.integer(UInt16(clamping: delays.count))
        for delay in delays {
            writer.data(delay.key)
            writer.integer(delay.revision)
        }
        return Command(kind: "session", payload: writer.bytes)
    }

    private static func begin(_ operation: Operation) -> ByteWriter {
        var writer = ByteWriter()
        writer.integer(format)
        writer.integer(operation.rawValue)
        return writer
    }

    /// - Returns: one byte, an `Outcome`.
    public func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8] {
        var reader = ByteReader(payload)
        guard try reader.integer(UInt8.self) == Self.format, let operation = Operation(rawValue: try reader.integer())
        else { throw StoreError(.unknownKind, "an operation on sessions that is not known to this version") }
        var sessions = state.part(SessionState.self)
        var writes: [RowWrite] = []
        switch operation {
        case .create:
            var session = try KeySession(row: Array(reader.rest))
            if let outcome = Self.obstacle(to: session, sessions) {
                state.keepRevision()
                return [outcome.rawValue]
            }
            session.create = state.revision
            session.modify = state.revision
            writes = sessions.put(session)
        case .destroy:
            var ids: [String] = []
            for _ in 0..<(try reader.integer(UInt16.self)) { ids.append(try reader.string()) }
            var transaction = KeyValueTransaction(in: &state)
            for id in ids {
                if let session = sessions.session(id) { writes += transaction.end(session, &sessions) }
            }
            _ = transaction.finish(&state)
        case .endDelays:
            for _ in 0..<(try reader.integer(UInt16.self)) {
                writes += sessions.endDelay(of: try reader.data(), from: try reader.integer())
            }
        }
        if writes.isEmpty { state.keepRevision() } else { state.put(sessions, writes: writes) }
        return [Outcome.done.rawValue]
    }

    private static func obstacle(to session: KeySession, _ sessions: SessionState) -> Outcome? {
        if sessions.session(session.id) != nil { return .exists }
        return sessions.count >= SessionState.Limits.sessions ? .tooMany : nil
    }
}
