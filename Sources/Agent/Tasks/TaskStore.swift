import FoundationEssentials
import Model
import Platform

/// The node's assignments and what was last reported of them: with it a node goes on without managers.
final class TaskStore {
    private static let schemaVersion = 1

    private let database: SQLiteDatabase
    private let put: SQLiteStatement
    private let drop: SQLiteStatement

    init(path: String) throws {
        database = try SQLiteDatabase(path)
        let version = try database.userVersion()
        guard version <= Self.schemaVersion else {
            throw AgentError(.unsupported, "\(path) was written by a newer program (schema \(version))")
        }
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, task BLOB NOT NULL, status BLOB NOT NULL);
            CREATE TABLE IF NOT EXISTS networks (id INTEGER PRIMARY KEY CHECK (id = 0), state BLOB NOT NULL);
            """)
        try database.setUserVersion(Self.schemaVersion)
        put = try database.prepare("INSERT OR REPLACE INTO tasks (id, task, status) VALUES (?, ?, ?)")
        drop = try database.prepare("DELETE FROM tasks WHERE id = ?")
    }

    func all() throws -> [(task: ClusterTask, status: TaskStatus)] {
        let decoder = JSONDecoder()
        return try database.prepare("SELECT task, status FROM tasks ORDER BY id").rows { row in
            (
                try decoder.decode(ClusterTask.self, from: Data(row.blob(0))),
                try decoder.decode(TaskStatus.self, from: Data(row.blob(1)))
            )
        }
    }

    func save(_ machine: TaskStateMachine) throws {
        let encoder = JSONEncoder()
        try put.run([
            .text(machine.task.id), .blob(Array(try encoder.encode(machine.task))),
            .blob(Array(try encoder.encode(machine.status))),
        ])
    }

    func remove(_ taskID: String) throws { try drop.run([.text(taskID)]) }

    func networkState() throws -> NetworkState? {
        let bytes = try database.prepare("SELECT state FROM networks").firstRow { $0.blob(0) }
        return try bytes.map { try JSONDecoder().decode(NetworkState.self, from: Data($0)) }
    }

    func save(_ state: NetworkState) throws {
        let statement = try database.prepare("INSERT OR REPLACE INTO networks (id, state) VALUES (0, ?)")
        try statement.run([.blob(Array(try JSONEncoder().encode(state)))])
    }
}
