import Platform
import TestSupport
import Testing

@Suite struct SQLiteTests {
    @Test func valuesThereAndBack() throws {
        let folder = try TemporaryDirectory()
        let values: [SQLiteValue] = [
            .null, .integer(Int64.min), .real(0.5), .text(""), .text("größe\0x"), .blob([]), .blob([0, 255]), 7, "x",
            nil,
        ]
        do {
            let database = try SQLiteDatabase(folder.file("db"))
            try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")
            let insert = try database.prepare("INSERT INTO t (v) VALUES (?)")
            for value in values { try insert.run([value]) }
            #expect(database.changes == 1)
            #expect(database.lastInsertedRow == Int64(values.count))
            try database.setUserVersion(3)
        }
        let database = try SQLiteDatabase(folder.file("db"), isReadOnly: true)
        #expect(try database.prepare("SELECT v FROM t ORDER BY id").rows { $0.value(0) } == values)
        #expect(try database.userVersion() == 3)
        #expect(throws: SQLiteError.self) { try database.execute("DELETE FROM t") }
    }

    @Test func transactionsHoldOrAreUndone() throws {
        struct Refusal: Error {}
        let folder = try TemporaryDirectory()
        let database = try SQLiteDatabase(folder.file("db"), synchronous: .full)
        try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        try database.transaction { try database.execute("INSERT INTO t VALUES (1)") }
        #expect(throws: Refusal.self) {
            try database.transaction {
                try database.execute("INSERT INTO t VALUES (2)")
                throw Refusal()
            }
        }
        let count = try database.prepare("SELECT count(*) FROM t").firstRow { $0.integer(0) }
        #expect(count == 1)
        let other = try SQLiteDatabase(folder.file("db"), busyTimeout: .milliseconds(10))
        let busy = #expect(throws: SQLiteError.self) {
            try database.transaction { try other.transaction {} }
        }
        #expect(busy?.isBusy == true)
        let seen = try other.readTransaction { () -> [Int64] in
            let select = try other.prepare("SELECT count(*) FROM t")
            let before = try select.rows { $0.integer(0) }
            try database.execute("INSERT INTO t VALUES (5)")
            return before + (try select.rows { $0.integer(0) })
        }
        #expect(seen == [1, 1])
        try database.checkpoint()
    }

    @Test func boundsAndErrors() throws {
        let database = try SQLiteDatabase(":memory:", valueLimit: 1000)
        #expect(throws: SQLiteError.self) { try database.prepare("SELEC 1") }
        let echo = try database.prepare("SELECT ?")
        #expect(throws: SQLiteError.self) { try echo.run([.blob([UInt8](repeating: 0, count: 1001))]) }
        #expect(throws: SQLiteError.self) { try echo.bind(2, .null) }
        #expect(try echo.firstRow([.text("a")]) { $0.text(0) } == "a")
        #expect(throws: SQLiteError.self) { _ = try SQLiteDatabase("/nowhere/db") }
    }

    @Test func aFileThatIsNoDatabase() throws {
        let folder = try TemporaryDirectory()
        try Files.write(folder.file("db"), randomBytes(8192))
        let error = #expect(throws: SQLiteError.self) { _ = try SQLiteDatabase(folder.file("db")) }
        #expect(error?.isCorrupt == true)
    }
}
