import Platform
import TestSupport
import Testing

@testable import Store

/// Rows that are only added and taken away, as the database keeps them.
@Suite struct RowBlocksTests {
    private typealias Member = QueueMember<InBlocks>

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func whatIsLeftIsReadBack(seed: UInt64) throws {
        var random = Seeded(seed)
        let folder = try TemporaryDirectory("blocks")
        var member = try Member(folder.file("state.db"))
        var model: [UInt64: [UInt8]] = [:]
        for round in 0..<300 {
            var changes: [QueueChange] = []
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                if Int.random(in: 0..<100, using: &random) < (round < 150 ? 60 : 40) {
                    let size =
                        Int.random(in: 0..<200, using: &random) == 0 ? 90_000 : Int.random(in: 0..<700, using: &random)
                    let (number, row) = (member.next(), random.bytes(1) + [UInt8](repeating: 7, count: size))
                    model[number] = row
                    changes.append(.add(number, row))
                } else if let oldest = model.keys.min(), let any = model.keys.sorted().randomElement(using: &random) {
                    // Some of them were added a moment ago.
                    let gone = seed % 2 == 0 || Bool.random(using: &random) ? oldest : any
                    model[gone] = nil
                    changes.append(.remove(gone))
                }
            }
            try member.apply(changes)
            if Int.random(in: 0..<3, using: &random) == 0 { try member.store.flush() }
            if Int.random(in: 0..<20, using: &random) == 0 {
                try member.close()
                try Self.check(folder.file("state.db"), model)
                member = try Member(folder.file("state.db"))
                #expect(member.rows == model && member.store.isSound())
            }
        }
        try member.apply(model.keys.sorted().map { QueueChange.remove($0) })
        try member.close()
        try Self.check(folder.file("state.db"), [:])
    }

    /// No more than half of what is kept is gone, and small blocks are not many.
    private static func check(_ path: String, _ model: [UInt64: [UInt8]]) throws {
        let database = try SQLiteDatabase(path, isReadOnly: true)
        func number(_ sql: String) throws -> Int { try database.prepare(sql).firstRow { Int($0.integer(0)) } ?? 0 }
        #expect(try number("SELECT count(*) FROM part_row") == 0)
        let kept = try number("SELECT coalesce(sum(count), 0) FROM part_block")
        let removed = try number("SELECT coalesce(sum(count), 0) FROM part_removed")
        #expect(kept - removed == model.count && removed * 2 <= kept)
        #expect(try number("SELECT count(*) FROM part_removed WHERE block NOT IN (SELECT number FROM part_block)") == 0)
        let bytes = model.values.reduce(0) { $0 + $1.count + 16 }
        #expect(try number("SELECT count(*) FROM part_block") <= 4 + bytes * 2 / RowBlocks.Limits.smallBytes)
    }

    /// Found by review: it would have failed at the same block for ever.
    @Test func aBlockThatRotsWhileItIsOpenIsReplaced() throws {
        let folder = try TemporaryDirectory("blocks")
        let path = folder.file("state.db")
        var member = try Member(path)
        try member.apply([.add(member.next(), [1])])
        try member.store.flush()
        try SQLiteDatabase(path).execute("UPDATE part_block SET rows = zeroblob(length(rows))")
        try member.apply([.add(member.next(), [2])])
        #expect(throws: StoreError.self) { try member.store.flush() }
        try member.store.flush()
        try member.close()
        member = try Member(path)
        #expect(member.rows.values.sorted { $0[0] < $1[0] } == [[1], [2]] && member.store.isSound())
        try member.close()
    }

    @Test func oneAtATimeFillsBlocks() throws {
        let folder = try TemporaryDirectory("blocks")
        let member = try Member(folder.file("state.db"))
        for _ in 0..<200 {
            try member.apply([.add(member.next(), [UInt8](repeating: 1, count: 300))])
            try member.store.flush()
        }
        try member.close()
        let database = try SQLiteDatabase(folder.file("state.db"))
        let blocks = try database.prepare("SELECT length(rows) FROM part_block").rows { Int($0.integer(0)) }
        #expect(blocks.count < 12 && blocks.dropLast().allSatisfy { $0 > RowBlocks.Limits.smallBytes })
    }

    /// What was undone is not taken for what is there.
    @Test func aTransactionThatFailsIsNotRemembered() throws {
        struct Failure: Error {}
        let folder = try TemporaryDirectory("blocks")
        let database = try SQLiteDatabase(folder.file("state.db"))
        try database.execute(RowBlocks.tables)
        let sealing = RowSealing(testKeys)
        try sealing.open(in: database)
        try sealing.begin(in: database)
        let blocks = RowBlocks(sealing)
        func write(_ changes: [QueueChange], fails: Bool = false) throws {
            try database.transaction {
                #expect(try blocks.write(QueueChange.writes(changes), of: "queue", to: database) == [])
                if fails { throw Failure() }
            }
            blocks.finish()
        }
        try write(QueueChange.add(1...100, [UInt8](repeating: 1, count: 400)))
        let second = QueueChange.remove(1...60) + QueueChange.add(101...150, [2])
        for _ in 0..<3 { #expect(throws: Failure.self) { try write(second, fails: true) } }
        try write(second)
        var numbers: [UInt64] = []
        try blocks.forEachRow(in: database) { _, id, _ in numbers.append(QueueChange.number(id)) }
        #expect(numbers == Array(61...150))
        // What is in no block is somebody else's, and what is not behind all others is refused.
        try database.transaction {
            let others = try blocks.write(QueueChange.writes([.remove(1_000)]), of: "queue", to: database)
            #expect(others == [QueueChange.id(1_000)])
        }
        #expect(throws: StoreError.self) {
            try blocks.write(QueueChange.writes([.add(7, [])]), of: "queue", to: database)
        }
    }

    /// Rows that a version before blocks wrote stay until they go.
    @Test func earlierRowsStayWhereTheyAre() throws {
        let folder = try TemporaryDirectory("blocks")
        let former = try QueueMember<InRows>(folder.file("state.db"))
        try former.apply(QueueChange.add(1...50, [3]))
        try former.close()
        do {
            let database = try SQLiteDatabase(folder.file("state.db"))
            try database.execute("DROP TABLE part_block; DROP TABLE part_removed")
            try database.setUserVersion(4)
        }
        let digest = former.store.digest
        let member = try Member(folder.file("state.db"))
        #expect(member.store.digest == digest && member.rows.count == 50)
        try member.apply(QueueChange.remove(1...30) + QueueChange.add(51...70, [1]))
        try member.close()
        let again = try Member(folder.file("state.db"))
        #expect(again.store.digest == member.store.digest && again.rows.keys.sorted() == Array(31...70))
        // Written as a whole it is all in blocks.
        try again.store.replace(by: again.store.snapshot, at: again.store.applied)
        try again.close()
        try Self.check(folder.file("state.db"), again.rows)
        let database = try SQLiteDatabase(folder.file("state.db"))
        #expect(try database.userVersion() == SQLiteStateStorage.format)
        #expect(try Member(folder.file("state.db")).store.digest == member.store.digest)
    }

    /// Whatever is changed, the state is made anew from snapshot and log.
    @Test(arguments: [
        "UPDATE part_block SET rows = (SELECT rows FROM part_block WHERE number = 2) WHERE number = 1",
        "UPDATE part_block SET rows = zeroblob(300)", "UPDATE part_block SET rows = x''",
        "UPDATE part_block SET first = x'01'", "UPDATE part_block SET last = x'ff'",
        "UPDATE part_block SET count = count + 1", "UPDATE part_block SET count = -1",
        "UPDATE part_block SET part = 'other'",
        "UPDATE part_block SET number = number + 100", "DELETE FROM part_block WHERE number = 1",
        "INSERT INTO part_block SELECT number + 10, part, first, last, count, rows FROM part_block",
        "UPDATE part_removed SET ids = x'ffffffff00'", "UPDATE part_removed SET ids = x'00'",
        "UPDATE part_removed SET ids = x''", "DELETE FROM part_removed", "UPDATE part_removed SET block = 2",
        "INSERT INTO part_removed VALUES (2, 99, 1, x'08000000000000000000005a')",
    ]) func whatWasChangedIsNotBelieved(_ change: String) throws {
        let folder = try TemporaryDirectory("blocks")
        let path = folder.file("state.db")
        let member = try Member(path)
        try member.apply(QueueChange.add(1...100, [UInt8](repeating: 1, count: 800)))
        try member.store.flush()
        try member.apply([.remove(5), .remove(9)])
        try member.close()
        do {
            let database = try SQLiteDatabase(path)
            try database.execute(change)
            #expect(database.changes > 0)
        }
        do {
            let again = try Member(path)
            #expect(again.store.applied == LogPosition() && again.rows.isEmpty)
            try again.store.replace(by: member.store.snapshot, at: member.store.applied)
            try again.close()
        }
        #expect(try Member(path).store.digest == member.store.digest)
    }
}

// MARK: A part of such rows

private enum QueueChange {
    case add(UInt64, [UInt8])
    case remove(UInt64)

    static func add(_ numbers: ClosedRange<UInt64>, _ row: [UInt8]) -> [QueueChange] {
        numbers.map { QueueChange.add($0, row) }
    }
    static func remove(_ numbers: ClosedRange<UInt64>) -> [QueueChange] { numbers.map { QueueChange.remove($0) } }

    static func writes(_ changes: [QueueChange]) -> RowBlocks.Writes {
        let writes = changes.map { $0.write(of: "queue") }
        return RowBlocks.Writes(ids: writes.map(\.id), writes: writes)
    }

    static func id(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian, Array.init) }
    static func number(_ id: [UInt8]) -> UInt64 { id.reduce(0) { $0 << 8 | UInt64($1) } }

    func write(of part: String) -> RowWrite {
        switch self {
        case .add(let number, let row): RowWrite(part: part, id: Self.id(number), row: row)
        case .remove(let number): RowWrite(part: part, id: Self.id(number), row: nil)
        }
    }
}

private protocol Keeping: Sendable { static var isAppended: Bool { get } }
private enum InBlocks: Keeping { static let isAppended = true }
private enum InRows: Keeping { static let isAppended = false }

private struct Queue<Kept: Keeping>: StatePart {
    static var name: String { "queue" }
    static func isAppended(_ id: [UInt8]) -> Bool { Kept.isAppended }
    var rows: [UInt64: [UInt8]] = [:]

    var rowsHash: UInt64 {
        rows.reduce(0) { $0 &+ RowHash.of(Self.name, id: QueueChange.id($1.key), row: $1.value) }
    }

    mutating func load(id: [UInt8], row: [UInt8]) throws { rows[QueueChange.number(id)] = row }

    func rows(after place: [UInt8]?, _ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Bool) rethrows -> [UInt8]? {
        for (number, row) in rows.sorted(by: { $0.key < $1.key }) {
            let id = QueueChange.id(number)
            if let place, !place.lexicographicallyPrecedes(id) { continue }
            if try !body(id, row) { return id }
        }
        return nil
    }
}

private struct QueueKind<Kept: Keeping>: CommandKind {
    let name = "queue"

    func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8] {
        var reader = ByteReader(payload)
        var changes: [QueueChange] = []
        while !reader.isAtEnd {
            let number: UInt64 = try reader.integer()
            changes.append(try reader.integer(UInt8.self) == 1 ? .add(number, try reader.data()) : .remove(number))
        }
        var queue = state.take(Queue<Kept>.self)
        for change in changes {
            switch change {
            case .add(let number, let row): queue.rows[number] = row
            case .remove(let number): queue.rows[number] = nil
            }
        }
        state.put(queue, writes: changes.map { $0.write(of: name) })
        return []
    }
}

private final class QueueMember<Kept: Keeping> {
    let store: Store
    private var last: UInt64

    init(_ path: String) throws {
        store = try Store(
            path: path, keys: testKeys,
            schema: Schema(tables: [], kinds: [QueueKind<Kept>()], parts: [Queue<Kept>.self]))
        last = store.revision << 16
    }

    var rows: [UInt64: [UInt8]] { store.snapshot.part(Queue<Kept>.self).rows }

    func next() -> UInt64 {
        last += 1
        return last
    }

    func apply(_ changes: [QueueChange]) throws {
        var writer = ByteWriter()
        for change in changes {
            switch change {
            case .add(let number, let row):
                writer.integer(number)
                writer.integer(UInt8(1))
                writer.data(row)
            case .remove(let number):
                writer.integer(number)
                writer.integer(UInt8(0))
            }
        }
        _ = try store.apply(
            index: store.applied.index + 1, term: 1, command: Command(kind: "queue", payload: writer.bytes).encoded)
    }

    func close() throws { try store.close() }
}
