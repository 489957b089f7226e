import HTTP
import Model
import Platform

/// Has another manager lead.
enum ManagerTransfer: Command {
    static let syntax = Syntax(
        path: ["manager", "transfer"], summary: "Have another manager lead",
        positionals: [.init("NODE", "who is to lead; without it the one that is best prepared", .optional)])

    private static let interval: Duration = .milliseconds(50)
    /// An election timeout, and what a slow machine adds.
    private static let patience: Duration = .seconds(10)

    static func run(_ arguments: Arguments, in session: Session) async throws {
        var query: [(String, String?)] = []
        if let name = arguments.positionals.first {
            query = [("node", try await NodeInspect.load(name, session).value.id)]
        }
        let former = try await leader(session)
        try await session.engine.call(.post, ["swarm", "transfer"], query: query)
        let start = ContinuousClock.now
        while ContinuousClock.now - start < patience {
            if let now = try? await leader(session), now.id != former?.id {
                return session.console.line("\(now.displayName) leads.")
            }
            try await Task.sleep(for: interval)
        }
        throw Failure(
            "\(former?.displayName ?? "the same manager") leads on",
            hint: "The one that was to lead did not take over: 'clusterctl manager ls' shows who is reachable.")
    }

    private static func leader(_ session: Session) async throws -> Node? {
        try await session.engine.fetch([Node].self, ["nodes"]).first { $0.managerStatus?.leader == true }
    }
}
