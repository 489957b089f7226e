internal import Platform

/// A database of the formats before values were sealed: 1 had no rows of parts, 2 no digest of the rows, 3 had both.
enum PlainDatabase {
    static let formats = 1...3

    /// Puts a sealed database with the same rows in the place of the plain one. The rows are copied into another file, so that
    /// no page of it keeps what was plain; a crash leaves one of the two.
    static func seal(_ path: String, _ keys: DataKeys) throws {
        let next = path + ".sealed"
        try removeDatabase(next)
        do {
            let storage = try SQLiteStateStorage(path: next, keys: keys)
            let plain = try SQLiteDatabase(path)
            try storage.copy(from: plain, format: plain.userVersion())
            storage.close()
        }
        guard !Files.exists(next + "-wal") else {
            throw StoreError(.database, "the sealed copy of \(path) was not completed; is the disk full?")
        }
        // Whoever closes a database last has moved its WAL into it.
        for suffix in ["-wal", "-shm"] where Files.exists(path + suffix) { try Files.unlink(path + suffix) }
        try Files.rename(next, to: path)
        try Files.syncDirectory(Files.parent(of: path))
    }

    private static func removeDatabase(_ path: String) throws {
        for name in [path, path + "-wal", path + "-shm"] where Files.exists(name) { try Files.unlink(name) }
    }
}
