/// One thing `clusterctl` does. Each has a file of its own, `Commands/<Noun>/<NounVerb>.swift`.
protocol Command: Sendable {
    static var syntax: Syntax { get }

    /// - Throws: `UsageError`, `Failure`, or what the connection throws.
    static func run(_ arguments: Arguments, in session: Session) async throws
}
