import FoundationEssentials
import Platform

/// The node's containers as they survive a restart of the daemon.
///
/// SQLite with `synchronous=NORMAL`: a commit waits for no disk, and a power failure that takes the last ones takes the
/// containers as well.
final class ContainerStore {
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
        try database.execute("CREATE TABLE IF NOT EXISTS containers (id TEXT PRIMARY KEY, record BLOB NOT NULL)")
        try database.setUserVersion(Self.schemaVersion)
        put = try database.prepare("INSERT OR REPLACE INTO containers (id, record) VALUES (?, ?)")
        drop = try database.prepare("DELETE FROM containers WHERE id = ?")
    }

    func all() throws -> [ContainerRecord] {
        try database.prepare("SELECT record FROM containers ORDER BY id").rows { row in
            try JSONDecoder().decode(ContainerRecord.self, from: Data(row.blob(0)))
        }
    }

    func save(_ record: ContainerRecord) throws {
        try put.run([.text(record.id), .blob(Array(try JSONEncoder().encode(record)))])
    }

    func remove(_ id: String) throws { try drop.run([.text(id)]) }
}
