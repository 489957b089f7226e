/// Which command kinds a manager understands, as a number that grows with every version that brings new ones. Each manager
/// announces its own; a kind is proposed only once all of them have reached its level, or one that does not know it would stop.
public enum CommandLevel {
    /// This version's. Raised by whoever adds a kind, and given to that kind.
    public static let current = 1
    /// That of managers that announce none.
    public static let first = 1
}

/// Proposes what all managers understand, and refuses the rest.
public struct LevelledProposer: Proposer {
    private let proposer: any Proposer
    /// Kinds of a level above the first, by name.
    private let newer: [String: Int]
    private let level: @Sendable () -> (level: Int, lagging: [String])

    /// - Parameter level: the lowest of all managers, and who has it.
    public init(
        _ proposer: any Proposer, schema: Schema, level: @escaping @Sendable () -> (level: Int, lagging: [String])
    ) {
        self.proposer = proposer
        self.level = level
        newer = schema.kinds.mapValues(\.level).filter { $0.value > CommandLevel.first }
    }

    /// Throws `StoreError` `.notYetKnown`, and proposes nothing, where a manager would not know the command.
    public func propose(_ command: [UInt8]) async throws -> [UInt8] {
        if !newer.isEmpty, let kind = try? Command.kind(of: command), let needed = newer[kind] {
            let (level, lagging) = level()
            guard level >= needed else {
                throw StoreError(
                    .notYetKnown,
                    "not all managers know how to do that yet: upgrade \(lagging.joined(separator: ", ")) first")
            }
        }
        return try await proposer.propose(command)
    }
}
