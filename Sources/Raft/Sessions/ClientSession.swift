/// A client's side of a session: numbers its commands, and remembers which are unanswered.
public struct ClientSession: Sendable {
    public let id: UInt64
    private var nextSequence: UInt64 = 1
    /// Sorted.
    private var unanswered: [UInt64] = []

    /// `id` is that of `SessionAnswer.opened`.
    public init(id: UInt64) { self.id = id }

    /// What to propose, and what names it in `answered`. The same bytes are proposed again until there is an answer: proposed
    /// anew, it would be another command.
    public mutating func command(_ bytes: [UInt8]) -> (sequence: UInt64, proposal: [UInt8]) {
        let sequence = nextSequence
        nextSequence += 1
        unanswered.append(sequence)
        let command = SessionCommand.command(
            session: id, sequence: sequence, firstUnanswered: unanswered[0], bytes: bytes)
        return (sequence, command.encoded())
    }

    /// Its answer is here, and nobody will propose it again.
    public mutating func answered(_ sequence: UInt64) { unanswered.removeAll { $0 == sequence } }
}
