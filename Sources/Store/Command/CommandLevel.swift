/// Which command kinds and tables a manager understands, as a number that grows with every version that brings new ones. Each manager
/// announces its own; a kind is proposed only once all of them have reached its level, or one that does not know it would stop.
public enum CommandLevel {
    /// This version's. Raised by whoever adds a kind, and given to that kind.
    public static let current = 5
    /// Of the first version whose managers seal their keys when the state says so; another would drop the word of it.
    public static let autolock = 3
    /// Of the first version whose managers hold tokens to the labels in their policies.
    public static let labelledPolicies = 5
    /// That of managers that announce none.
    public static let first = 1
}

/// Proposes what all managers understand, and refuses the rest.
public struct LevelledProposer: Proposer {
    private let proposer: any Proposer
    /// Kinds of a level above the first, by name.
    private let newer: [String: Int]
    /// Tables of a level above the first, by name.
    private let newerTables: [String: Int]
    private let level: @Sendable () -> (level: Int, lagging: [String])

    /// - Parameter level: the lowest of all managers, and who has it.
    public init(
        _ proposer: any Proposer, schema: Schema, level: @escaping @Sendable () -> (level: Int, lagging: [String])
    ) {
        self.proposer = proposer
        self.level = level
        newer = schema.kinds.mapValues(\.level).filter { $0.value > CommandLevel.first }
        newerTables = Dictionary(uniqueKeysWithValues: schema.tables.map { ($0.name, $0.level) })
            .filter { $0.value > CommandLevel.first }
    }

    /// Throws `StoreError` `.notYetKnown`, and proposes nothing, where a manager would not know the command.
    public func propose(_ command: [UInt8]) async throws -> [UInt8] {
        let needed = needed(by: command)
        if needed > CommandLevel.first {
            let (level, lagging) = level()
            guard level >= needed else {
                throw StoreError(
                    .notYetKnown,
                    "not all managers know how to do that yet: upgrade \(lagging.joined(separator: ", ")) first")
            }
        }
        return try await proposer.propose(command)
    }

    /// The level that all managers must have reached; what is no command is refused by whoever applies it.
    private func needed(by command: [UInt8]) -> Int {
        guard !newer.isEmpty || !newerTables.isEmpty, let kind = try? Command.kind(of: command) else {
            return CommandLevel.first
        }
        guard kind == ObjectsCommand.name, !newerTables.isEmpty else { return newer[kind] ?? CommandLevel.first }
        let tables = (try? ObjectsCommand.tables(Command(decoding: command).payload)) ?? []
        return tables.compactMap { newerTables[$0] }.max() ?? CommandLevel.first
    }
}
