internal import Synchronization

/// Proposes what all managers understand, and refuses the rest. Where all of them understand everything, commands are not looked at.
public struct LevelledProposer: Proposer {
    /// What was found out of the managers, and whether that may have changed since.
    private final class Findings: Sendable {
        /// Counts the changes.
        let generation = Atomic(1)
        /// As of which one they knew everything; negative where they did not.
        let known = Atomic(0)
    }

    private let proposer: any Proposer
    /// Kinds of a level above the first, by name.
    private let newer: [String: Int]
    /// Tables of a level above the first, by name.
    private let newerTables: [String: Int]
    private let highest: Int
    private let level: @Sendable () -> (level: Int, lagging: [String])
    private let findings = Findings()

    /// - Parameter level: the lowest of all managers, and who has it.
    public init(
        _ proposer: any Proposer, schema: Schema, level: @escaping @Sendable () -> (level: Int, lagging: [String])
    ) {
        self.proposer = proposer
        self.level = level
        newer = schema.kinds.mapValues(\.level).filter { $0.value > CommandLevel.first }
        newerTables = Dictionary(uniqueKeysWithValues: schema.tables.map { ($0.name, $0.level) })
            .filter { $0.value > CommandLevel.first }
        highest = max(newer.values.max() ?? CommandLevel.first, newerTables.values.max() ?? CommandLevel.first)
    }

    /// A manager may have come, gone, or changed its version.
    public func reconsider() { findings.generation.add(1, ordering: .sequentiallyConsistent) }

    /// Throws `StoreError` `.notYetKnown`, and proposes nothing, where a manager would not know the command.
    public func propose(_ command: [UInt8]) async throws -> [UInt8] {
        if !allKnowEverything() {
            let needed = needed(by: command)
            if needed > CommandLevel.first {
                let (level, lagging) = level()
                guard level >= needed else {
                    throw StoreError(
                        .notYetKnown,
                        "not all managers know how to do that yet: upgrade \(lagging.joined(separator: ", ")) first")
                }
            }
        }
        return try await proposer.propose(command)
    }

    /// Asks once a generation.
    private func allKnowEverything() -> Bool {
        let generation = findings.generation.load(ordering: .sequentiallyConsistent)
        let known = findings.known.load(ordering: .relaxed)
        if abs(known) == generation { return known > 0 }
        let isComplete = level().level >= highest
        findings.known.store(isComplete ? generation : -generation, ordering: .relaxed)
        return isComplete
    }

    /// The level that all managers must have reached; what is no command is refused by whoever applies it.
    private func needed(by command: [UInt8]) -> Int {
        guard let kind = try? Command.kind(of: command) else { return CommandLevel.first }
        guard kind == ObjectsCommand.name, !newerTables.isEmpty else { return newer[kind] ?? CommandLevel.first }
        let tables = (try? ObjectsCommand.tables(Command(decoding: command).payload)) ?? []
        return tables.compactMap { newerTables[$0] }.max() ?? CommandLevel.first
    }
}
