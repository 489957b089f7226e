internal import Platform

/// Seals the values of the state's database, each for its own row: one that is put elsewhere does not open.
///
/// A value is a `RecordCipher` record. Whoever opens the database for writing begins a life: a row of the table `sealing` with a
/// number, a salt and the data key that the life's key is derived from. A nonce is the life's number (u32) and the number of the
/// value in that life (u64), little endian. A life is durable no later than the first value that it sealed; one that was lost
/// with the end of the WAL gives its number to another, whose salt, and so key, is another.
///
/// Used by one thread at a time, as the database is.
final class RowSealing {
    private struct Life {
        let number: UInt32
        let keyNumber: UInt32
        let cipher: RecordCipher
    }

    private static let saltBytes = 32
    private static let proofContext: [UInt8] = Array("proof".utf8)

    private let keys: DataKeys
    private var lives: [UInt32: Life] = [:]
    private var lastNumber: UInt32 = 0
    private var current: Life?
    /// Values sealed in the current life; never goes back, whatever becomes of a transaction.
    private var count: UInt64 = 0

    init(_ keys: DataKeys) { self.keys = keys }

    /// Whether something may be sealed with a key that is not the newest.
    var hasEarlierKeys: Bool { lives.values.contains { $0.keyNumber != keys.newest.number } }

    /// Makes the table and reads it. Throws `StoreError` `.wrongKey` where the keys are not those that sealed here, `.damaged`.
    func open(in database: SQLiteDatabase) throws {
        try database.execute(
            """
            CREATE TABLE IF NOT EXISTS sealing (
                life INTEGER PRIMARY KEY, key INTEGER NOT NULL, salt BLOB NOT NULL, proof BLOB NOT NULL)
            """)
        let newest = try database.prepare("SELECT max(life) FROM sealing").firstRow { $0.integer(0) } ?? 0
        lastNumber = UInt32(exactly: newest) ?? 0
        try database.prepare("SELECT life, key, salt, proof FROM sealing").forEachRow { row in
            guard let number = UInt32(exactly: row.integer(0)), let keyNumber = UInt32(exactly: row.integer(1)) else {
                throw StoreError(.damaged, "\(database.path) says that it is sealed with no possible key")
            }
            lives[number] = try life(number, keyNumber, salt: row.blob(2), proof: row.blob(3), database.path)
        }
    }

    private func life(
        _ number: UInt32, _ keyNumber: UInt32, salt: [UInt8], proof: [UInt8], _ path: String
    ) throws -> Life {
        let record = Array(proof.dropLast(4))
        guard proof == record + Self.checksum(number, keyNumber, salt, record) else {
            throw StoreError(.damaged, "what \(path) says of its keys does not check")
        }
        guard let key = keys.key(keyNumber) else {
            throw StoreError(
                .wrongKey,
                "\(path) is sealed with data key \(keyNumber), which this node does not have: is it another node's?")
        }
        let life = Life(number: number, keyNumber: keyNumber, cipher: key.cipher(for: "martlet state", at: salt))
        guard life.cipher.open(record, context: Self.proofContext) != nil else {
            throw StoreError(
                .wrongKey, "data key \(keyNumber) of this node does not open \(path): is it another node's?")
        }
        return life
    }

    private static func checksum(
        _ number: UInt32, _ keyNumber: UInt32, _ salt: [UInt8], _ record: [UInt8]
    ) -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(number)
        writer.integer(keyNumber)
        writer.data(salt)
        writer.data(record)
        return withUnsafeBytes(of: CRC32C.checksum(writer.bytes).littleEndian, Array.init)
    }

    /// Before values are sealed: in a transaction of its own, if there is anything to do.
    func begin(in database: SQLiteDatabase) throws {
        let key = keys.newest
        guard current?.keyNumber != key.number else { return }
        guard lastNumber < UInt32.max else { throw StoreError(.database, "\(database.path) was opened too often") }
        let salt = randomBytes(Self.saltBytes)
        let life = Life(
            number: lastNumber + 1, keyNumber: key.number, cipher: key.cipher(for: "martlet state", at: salt))
        let record = life.cipher.seal([], nonce: Self.nonce(life.number, 0), context: Self.proofContext)
        try database.prepare("INSERT OR REPLACE INTO sealing VALUES (?, ?, ?, ?)").run([
            .integer(UInt64(life.number)), .integer(UInt64(key.number)), .blob(salt),
            .blob(record + Self.checksum(life.number, key.number, salt, record)),
        ])
        lastNumber = life.number
        lives[life.number] = life
        current = life
        count = 0
    }

    /// After all that is there was sealed in the current life; part of that transaction.
    func removeOthers(in database: SQLiteDatabase) throws {
        guard let current else { return }
        try database.prepare("DELETE FROM sealing WHERE life <> ?").run([.integer(UInt64(current.number))])
    }

    /// Once that transaction is committed.
    func othersAreGone() { if let current { lives = [current.number: current] } }

    func seal(_ plain: [UInt8], _ context: [UInt8]) -> [UInt8] {
        guard let current else { preconditionFailure("a life is begun first") }
        count += 1
        return current.cipher.seal(plain, nonce: Self.nonce(current.number, count), context: context)
    }

    /// Nil for what was not sealed for this row.
    func open(_ value: [UInt8], _ context: [UInt8]) -> [UInt8]? {
        guard value.count >= RecordCipher.overhead else { return nil }
        let number = value.withUnsafeBytes { UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self)) }
        return lives[number]?.cipher.open(value, context: context)
    }

    private static func nonce(_ life: UInt32, _ value: UInt64) -> [UInt8] {
        var writer = ByteWriter(reserving: RecordCipher.nonceBytes)
        writer.integer(life)
        writer.integer(value)
        return writer.bytes
    }

    // MARK: Places

    static func place(table: String, id: String, version: UInt64) -> [UInt8] {
        var writer = ByteWriter(reserving: table.utf8.count + id.utf8.count + 20)
        writer.integer(UInt8(1))
        writer.string(table)
        writer.string(id)
        writer.integer(version)
        return writer.bytes
    }

    static func place(part: String, id: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(reserving: part.utf8.count + id.count + 12)
        writer.integer(UInt8(2))
        writer.string(part)
        writer.data(id)
        return writer.bytes
    }

    static func place(part: String, block: UInt64, first: [UInt8], last: [UInt8], count: UInt64) -> [UInt8] {
        var writer = ByteWriter(reserving: part.utf8.count + first.count + last.count + 32)
        writer.integer(UInt8(4))
        writer.string(part)
        writer.integer(block)
        writer.data(first)
        writer.data(last)
        writer.integer(count)
        return writer.bytes
    }

    static func place(digestAt index: UInt64, term: UInt64, revision: UInt64) -> [UInt8] {
        var writer = ByteWriter(reserving: 25)
        writer.integer(UInt8(3))
        writer.integer(index)
        writer.integer(term)
        writer.integer(revision)
        return writer.bytes
    }
}
