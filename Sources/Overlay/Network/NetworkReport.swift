/// What a reconciliation had to do. One that finds everything in place reports nothing.
public struct NetworkReport: Sendable, Equatable {
    /// Kernel objects made because the desired state asks for them anew: namespaces, interfaces, entries, tables.
    public var created = 0
    /// Kernel objects removed because nothing asks for them any more.
    public var removed = 0
    /// Kernel objects that had been made and were gone or changed: drift.
    public var repaired = 0
    /// What could not be done, for the operator: one sentence each.
    public var problems: [String] = []

    public init() {}

    public var isQuiet: Bool { created == 0 && removed == 0 && repaired == 0 && problems.isEmpty }

    mutating func add(_ other: NetworkReport) {
        created += other.created
        removed += other.removed
        repaired += other.repaired
        problems += other.problems
    }
}
