import HTTP
import Model
import Platform

/// Makes a cluster of this node from a backup.
enum ManagerRestore: Command {
    static let syntax = Syntax(
        path: ["manager", "restore"], summary: "Make a cluster of this node, with the state of a backup",
        positionals: [.init("FILE", "what 'clusterctl manager backup' wrote, or - for standard input")],
        options: [
            .value("advertise-addr", "IP[:PORT]", "where the other nodes reach this one"),
            .value("data-path-addr", "IP", "where the other nodes send the networks' packets to"),
        ],
        notes: [
            "For a cluster whose managers are all gone, on a node that is in none. Where a manager is left, start its clusterd "
                + "with --force-new-cluster instead: it knows what came after the backup."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let upload = try Upload(path: arguments.positionals[0])
        let response = try await session.engine.open(
            .post, ["swarm", "restore"],
            query: [
                ("advertiseAddr", arguments.value("advertise-addr")),
                ("dataPathAddr", arguments.value("data-path-addr")),
            ].filter { $0.1 != nil }, headers: ["Content-Type": "application/octet-stream"],
            body: upload.body(progress: session.console))
        let answer = try HTTPJSON.decode(
            RestoreAnswer.self, from: await response.body.collect(upTo: Engine.answerLimit))
        let join = try await JoinCommand.load(session.engine)
        session.console.line(
            """
            Cluster \(answer.clusterID) is back as of revision \(answer.revision), taken at \(answer.takenAt) \
            (\(answer.rows) rows); this node, \(answer.nodeID), is its only manager.

            Its \(answer.workers) workers come back by themselves where they knew a manager at \(answer.address). On any \
            other node, and on all that managed it before:

                clusterctl leave --force

            and then, to make it a worker or a manager:

                \(join.command(.worker))
                \(join.command(.manager))
            """)
    }
}
