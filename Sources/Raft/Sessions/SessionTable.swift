internal import Platform

/// Which sessions there are, and what each one's latest commands were answered. Part of the replicated state: every member's
/// is the same after the same entry, it goes into snapshots, and it becomes durable together with what the commands changed.
public struct SessionTable: Equatable, Sendable {
    /// A session that is opened beyond so many closes the one that has been unused for longest.
    public static let defaultMaximumSessions = 1024
    /// Answers kept for one session; a client that has more commands unanswered loses the oldest answer.
    public static let maximumAnswers = 64
    private static let version: UInt8 = 1

    private struct Session: Equatable, Sendable {
        let id: UInt64
        /// The entry that last named it.
        var usedAt: LogIndex
        var firstUnanswered: UInt64 = 1
        /// Sorted by sequence.
        var answers: [Answer] = []

        mutating func forget(before sequence: UInt64) {
            firstUnanswered = max(firstUnanswered, sequence)
            let first = firstUnanswered
            answers.removeAll { $0.sequence < first }
        }

        mutating func remember(_ answer: Answer, limit: Int) {
            answers.insert(answer, at: answers.firstIndex { $0.sequence > answer.sequence } ?? answers.count)
            if answers.count > limit { forget(before: answers[0].sequence + 1) }
        }
    }

    private struct Answer: Equatable, Sendable {
        let sequence: UInt64
        let bytes: [UInt8]
    }

    public let maximumSessions: Int
    /// Sorted by id.
    private var sessions: [Session] = []

    /// An empty table. The limit decides what is applied: it must be the same on all members.
    public init(maximumSessions: Int = defaultMaximumSessions) { self.maximumSessions = max(1, maximumSessions) }

    public var count: Int { sessions.count }

    /// Carries out the command of the entry at `index`. `apply` is called for a session's command that is new, and returns what
    /// the client is told.
    public mutating func apply(
        _ command: SessionCommand, at index: LogIndex, _ apply: ([UInt8]) throws -> [UInt8]
    ) rethrows -> SessionAnswer {
        switch command {
        case .open:
            if sessions.count >= maximumSessions { closeLeastUsed() }
            // Entries come in the order of their indexes: the newest id is the highest.
            sessions.append(Session(id: index, usedAt: index))
            return .opened(index)
        case .close(let id):
            guard let position = position(of: id) else { return .expired }
            sessions.remove(at: position)
            return .closed
        case .command(let id, let sequence, let firstUnanswered, let bytes):
            guard let position = position(of: id) else { return .expired }
            sessions[position].usedAt = index
            sessions[position].forget(before: firstUnanswered)
            guard sequence >= sessions[position].firstUnanswered else { return .forgotten }
            if let known = sessions[position].answers.first(where: { $0.sequence == sequence }) {
                return .applied(known.bytes)
            }
            let answer = try apply(bytes)
            sessions[position].remember(Answer(sequence: sequence, bytes: answer), limit: Self.maximumAnswers)
            return .applied(answer)
        }
    }

    private func position(of id: UInt64) -> Int? {
        var low = 0
        var high = sessions.count
        while low < high {
            let middle = (low + high) / 2
            if sessions[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < sessions.count && sessions[low].id == id ? low : nil
    }

    private mutating func closeLeastUsed() {
        // No two were last used by the same entry.
        guard let oldest = sessions.indices.min(by: { sessions[$0].usedAt < sessions[$1].usedAt }) else { return }
        sessions.remove(at: oldest)
    }

    /// Version, limit, and each session with its answers; little-endian.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(Self.version)
        writer.integer(UInt32(clamping: maximumSessions))
        writer.integer(UInt32(sessions.count))
        for session in sessions {
            writer.integer(session.id)
            writer.integer(session.usedAt)
            writer.integer(session.firstUnanswered)
            writer.integer(UInt32(session.answers.count))
            for answer in session.answers {
                writer.integer(answer.sequence)
                writer.data(answer.bytes)
            }
        }
        return writer.bytes
    }

    /// Throws `malformed` for anything that `encoded()` would not write.
    public init(decoding bytes: [UInt8]) throws(RaftError) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.integer()
        guard version == Self.version else { throw RaftError(.malformed, "session table of version \(version)") }
        let limit: UInt32 = try reader.integer()
        self.init(maximumSessions: Int(limit))
        let count: UInt32 = try reader.integer()
        guard count <= limit else { throw RaftError(.malformed, "\(count) sessions where \(limit) are allowed") }
        for _ in 0..<count { sessions.append(try Self.readSession(&reader)) }
        try reader.expectEnd()
        guard zip(sessions, sessions.dropFirst()).allSatisfy({ $0.id < $1.id }) else {
            throw RaftError(.malformed, "sessions out of order")
        }
    }

    private static func readSession(_ reader: inout ByteReader) throws(RaftError) -> Session {
        var session = Session(
            id: try reader.integer(), usedAt: try reader.integer(), firstUnanswered: try reader.integer())
        let count: UInt32 = try reader.integer()
        guard count <= maximumAnswers else { throw RaftError(.malformed, "session of \(count) answers") }
        for _ in 0..<count {
            let answer = Answer(sequence: try reader.integer(), bytes: try reader.data())
            guard answer.sequence >= session.firstUnanswered, session.answers.last?.sequence ?? 0 < answer.sequence
            else {
                throw RaftError(.malformed, "answers out of order")
            }
            session.answers.append(answer)
        }
        return session
    }
}
