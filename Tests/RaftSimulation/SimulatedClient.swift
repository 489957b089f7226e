internal import Raft

/// Someone who does one thing after the other, and asks another member when one does not answer.
final class SimulatedClient {
    enum Consistency {
        /// Through the log, like a write.
        case logged
        /// The leader asks a quorum.
        case linearizable
        /// The leader asks nobody while it has a lease.
        case lease
    }

    struct Request {
        enum Content {
            /// Of no session: what got no answer is not asked again.
            case command(RegisterCommand, Consistency)
            case openSession
            /// The same bytes are proposed until there is an answer.
            case inSession(RegisterCommand, sequence: UInt64, proposal: [UInt8])
        }

        let content: Content
        /// What names it in the history.
        var operation: Int?
        var token: UInt64 = 0
        var attempts = 0
        /// An attempt ended without a word.
        var mayHaveHappened = false
        /// It was refused, and is asked again in a moment.
        var isRefused = false

        var isRepeatable: Bool {
            if case .command = content { return false }
            return true
        }

        var isRead: Bool {
            if case .command(_, let consistency) = content { return consistency != .logged }
            return false
        }
    }

    let id: UInt64
    /// Whether it retries what may have happened already.
    let usesSessions: Bool
    /// It only reads, from anybody, and believes nobody who sends it elsewhere.
    let onlyReads: Bool
    var session: ClientSession?
    var request: Request?
    /// Whom it believes to lead.
    var target: NodeID?
    /// When it asks again, or loses its patience.
    var nextAction: UInt64 = 0

    static let maximumAttempts = 12

    init(id: UInt64) {
        self.id = id
        usesSessions = id % 2 == 0
        onlyReads = id % 5 >= 3
    }
}

/// What a member told a client, and what its registers held at that moment.
struct ClientAnswer {
    let outcome: RaftDriver.Outcome
    let registers: [UInt64]
}
