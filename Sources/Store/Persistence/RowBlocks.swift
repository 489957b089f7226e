internal import Glibc
internal import Platform

/// The rows of parts that are only ever added behind all others and taken away (`StatePart.isAppended`), many to a row of the
/// database: what a write adds is a block or a few, sealed as one, and what it takes away are some ids beside the block, or the
/// block itself once nothing of it is left. A block of which more than half is gone is written anew with the rest.
///
/// A block is, sealed, `format u8`, then for each row its id and the row. Where ids begin and end, and how many there are, is plain.
///
/// Used by one thread at a time, as the database is.
final class RowBlocks {
    enum Limits {
        /// Bytes after which a block takes no more.
        static let bytes = 64 << 10
        /// One that is shorter is written anew with what comes next to it.
        static let smallBytes = 8 << 10
    }

    private static let format: UInt8 = 1

    /// What is known of a block without reading it.
    struct Block {
        let number: Int64
        let first: [UInt8]
        let last: [UInt8]
        let count: Int
        let bytes: Int
        /// How many of its rows are gone.
        var removed = 0

        func spans(_ id: [UInt8]) -> Bool { !RowBlocks.precedes(id, first) && !RowBlocks.precedes(last, id) }

        /// About so many are of rows that are not gone.
        var liveBytes: Int { bytes * (count - removed) / max(1, count) }
        var isMostlyGone: Bool { removed * 2 > count }
        /// Which of its rows are gone is not written any more.
        var isGone: Bool { removed >= count }
    }

    /// Of each part, in the order of ids.
    private var blocks: [String: [Block]] = [:]
    private var lastNumber: Int64 = 0
    /// Of what was removed.
    private var lastRemoval: Int64 = 0
    /// What the database has may not be what is said here.
    private var isUnknown = true
    private let sealing: RowSealing

    init(_ sealing: RowSealing) { self.sealing = sealing }

    static let tables = """
        CREATE TABLE IF NOT EXISTS part_block (
            number INTEGER PRIMARY KEY, part TEXT NOT NULL, first BLOB NOT NULL, last BLOB NOT NULL,
            count INTEGER NOT NULL, rows BLOB NOT NULL);
        CREATE TABLE IF NOT EXISTS part_removed (
            block INTEGER NOT NULL, number INTEGER NOT NULL, count INTEGER NOT NULL, ids BLOB NOT NULL,
            PRIMARY KEY (block, number)) WITHOUT ROWID;
        """

    // MARK: Reading

    /// Calls `body` with all rows of each part, in the order of ids.
    func forEachRow(
        in database: SQLiteDatabase, _ body: (_ part: String, _ id: [UInt8], _ row: [UInt8]) throws -> Void
    ) throws {
        try learn(from: database)
        for part in blocks.keys.sorted() {
            for block in blocks[part] ?? [] {
                for row in try rows(of: block, part, in: database) { try body(part, row.id, row.row) }
            }
        }
        isUnknown = false
    }

    private func learn(from database: SQLiteDatabase) throws {
        (blocks, lastNumber, lastRemoval) = ([:], 0, 0)
        var removed: [Int64: Int] = [:]
        let sums = "SELECT block, sum(count), max(number) FROM part_removed GROUP BY block"
        try database.prepare(sums).forEachRow { row in
            guard row.integer(1) >= 0, (0..<Int64.max).contains(row.integer(2)) else {
                throw StoreError(.damaged, "what is gone of block \(row.integer(0)) is not what was written there")
            }
            removed[row.integer(0)] = Int(row.integer(1))
            lastRemoval = max(lastRemoval, row.integer(2))
        }
        let all = "SELECT number, part, first, last, count, length(rows) FROM part_block"
        try database.prepare(all).forEachRow { row in
            let block = Block(
                number: row.integer(0), first: row.blob(2), last: row.blob(3), count: Int(row.integer(4)),
                bytes: Int(row.integer(5)), removed: removed[row.integer(0)] ?? 0)
            guard block.count > 0, block.removed < block.count, block.number < Int64.max else {
                throw StoreError(.damaged, "block \(block.number) is not what was written there")
            }
            blocks[row.text(1), default: []].append(block)
            lastNumber = max(lastNumber, block.number)
        }
        for (part, unordered) in blocks {
            let ordered = unordered.sorted { Self.precedes($0.first, $1.first) }
            blocks[part] = ordered
            for (block, next) in zip(ordered, ordered.dropFirst())
            where !Self.precedes(block.last, next.first) {
                throw StoreError(.damaged, "blocks \(block.number) and \(next.number) of \(part) overlap")
            }
        }
    }

    /// Those that are not gone.
    private func rows(
        of block: Block, _ part: String, in database: SQLiteDatabase
    ) throws -> [(id: [UInt8], row: [UInt8])] {
        var removed: Set<[UInt8]> = []
        if block.removed > 0 {
            let select = try database.prepare("SELECT ids FROM part_removed WHERE block = ?")
            try select.forEachRow([.integer(block.number)]) { row in
                let ids = row.blob(0)
                var reader = ByteReader(ids[...])
                while !reader.isAtEnd { removed.insert(try reader.data()) }
            }
        }
        let sealed = try database.prepare("SELECT rows FROM part_block WHERE number = ?")
            .firstRow([.integer(block.number)]) { $0.blob(0) }
        guard let sealed, let plain = sealing.open(sealed, Self.place(of: block, part)) else {
            throw StoreError(.damaged, "block \(block.number) of \(part) is not what was written there")
        }
        var reader = ByteReader(plain[...])
        guard try reader.integer(UInt8.self) == Self.format else {
            throw StoreError(
                .malformed, "block \(block.number) of \(part) is of a kind that is not known to this version")
        }
        var rows: [(id: [UInt8], row: [UInt8])] = []
        rows.reserveCapacity(block.count)
        while !reader.isAtEnd {
            let (id, row) = (try reader.data(), try reader.data())
            if removed.isEmpty || !removed.contains(id) { rows.append((id, row)) }
        }
        return rows
    }

    private static func place(of block: Block, _ part: String) -> [UInt8] {
        RowSealing.place(
            part: part, block: UInt64(bitPattern: block.number), first: block.first, last: block.last,
            count: UInt64(bitPattern: Int64(block.count)))
    }

    // MARK: Writing; `finish` must follow once it is committed

    /// Writes of one part, in their order, each with its id.
    struct Writes {
        var ids: [[UInt8]] = []
        var writes: [RowWrite] = []
    }

    /// Carries out the writes of one part.
    ///
    /// - Returns: the ids of rows that are gone and were in no block.
    func write(_ all: Writes, of part: String, to database: SQLiteDatabase) throws -> [[UInt8]] {
        if isUnknown { try learn(from: database) }
        isUnknown = true
        var added: [[UInt8]] = []
        /// Where among the writes; nil for what is gone again.
        var places: [Int?] = []
        var removed: [Int: [[UInt8]]] = [:]
        var others: [[UInt8]] = []
        let known = blocks[part] ?? []
        var last = known.last?.last ?? []
        var block: Int?
        for place in all.ids.indices {
            let id = all.ids[place]
            guard all.writes[place].isRemoved else {
                guard Self.precedes(last, id) else {
                    throw StoreError(.damaged, "a row of \(part) is not behind those before it")
                }
                last = id
                added.append(id)
                places.append(place)
                continue
            }
            if let first = added.first, !Self.precedes(id, first) {
                let index = Self.lowerBound(added.count) { Self.precedes(added[$0], id) }
                if index < added.count, added[index] == id { places[index] = nil } else { others.append(id) }
                continue
            }
            // Mostly they go as they came.
            if block.map({ !known[$0].spans(id) }) ?? true { block = Self.index(of: id, in: known) }
            if let block { removed[block, default: []].append(id) } else { others.append(id) }
        }
        try remove(removed, of: part, from: database)
        try append(places.compactMap { $0 }, of: all, to: part, in: database)
        return others
    }

    /// What was written is committed.
    func finish() { isUnknown = false }

    private func remove(_ removed: [Int: [[UInt8]]], of part: String, from database: SQLiteDatabase) throws {
        guard !removed.isEmpty, var known = blocks[part] else { return }
        let note = try database.prepare("INSERT INTO part_removed VALUES (?, ?, ?, ?)")
        for index in removed.keys.sorted() {
            guard let ids = removed[index] else { continue }
            known[index].removed += ids.count
            if known[index].isGone { continue }
            var writer = ByteWriter(reserving: ids.count * 16)
            for id in ids { writer.data(id) }
            lastRemoval += 1
            try note.run([
                .integer(known[index].number), .integer(lastRemoval), .integer(ids.count), .blob(writer.bytes),
            ])
        }
        blocks[part] = known
        // From the last on, so that what goes has the places before it as they were.
        for index in removed.keys.sorted(by: >) {
            // The last may have been taken into one before them.
            guard let block = blocks[part]?.dropFirst(index).first else { continue }
            if block.isGone {
                try delete(index..<index + 1, of: part, from: database)
            } else if block.isMostlyGone {
                try rewrite(index, of: part, in: database)
            }
        }
    }

    private func delete(_ range: Range<Int>, of part: String, from database: SQLiteDatabase) throws {
        let remove = try database.prepare("DELETE FROM part_block WHERE number = ?")
        let forget = try database.prepare("DELETE FROM part_removed WHERE block = ?")
        for block in blocks[part]?[range] ?? [] {
            try remove.run([.integer(block.number)])
            if block.removed > 0 { try forget.run([.integer(block.number)]) }
        }
        blocks[part]?.removeSubrange(range)
    }

    /// With its neighbours, where together they are short.
    private func rewrite(_ index: Int, of part: String, in database: SQLiteDatabase) throws {
        guard let known = blocks[part] else { return }
        var range = index..<index + 1
        var bytes = known[index].liveBytes
        func takes(_ neighbour: Block) -> Bool {
            guard !neighbour.isGone, bytes + neighbour.liveBytes <= Limits.smallBytes else { return false }
            bytes += neighbour.liveBytes
            return true
        }
        while range.lowerBound > 0, takes(known[range.lowerBound - 1]) {
            range = range.lowerBound - 1..<range.upperBound
        }
        while range.upperBound < known.count, takes(known[range.upperBound]) {
            range = range.lowerBound..<range.upperBound + 1
        }
        var filling = Filling()
        for block in known[range] {
            for row in try rows(of: block, part, in: database) { filling.add(row.id, row.row) }
        }
        try delete(range, of: part, from: database)
        try insert(&filling, at: range.lowerBound, of: part, in: database)
    }

    private func append(
        _ places: [Int], of all: Writes, to part: String, in database: SQLiteDatabase
    ) throws {
        guard !places.isEmpty else { return }
        var filling = Filling()
        if let known = blocks[part], let last = known.last, last.bytes <= Limits.smallBytes {
            for row in try rows(of: last, part, in: database) { filling.add(row.id, row.row) }
            try delete(known.count - 1..<known.count, of: part, from: database)
        }
        for place in places {
            filling.add(all.ids[place], all.writes[place].content.row)
            if filling.isFull { try insert(&filling, at: blocks[part]?.count ?? 0, of: part, in: database) }
        }
        try insert(&filling, at: blocks[part]?.count ?? 0, of: part, in: database)
    }

    private func insert(
        _ filling: inout Filling, at index: Int, of part: String, in database: SQLiteDatabase
    ) throws {
        guard filling.count > 0 else { return }
        let plain = filling.writer.bytes
        lastNumber += 1
        let block = Block(
            number: lastNumber, first: filling.first, last: filling.last, count: filling.count,
            bytes: plain.count + RecordCipher.overhead)
        filling = Filling()
        try database.prepare("INSERT INTO part_block VALUES (?, ?, ?, ?, ?, ?)").run([
            .integer(block.number), .text(part), .blob(block.first), .blob(block.last), .integer(block.count),
            .blob(sealing.seal(plain, Self.place(of: block, part))),
        ])
        blocks[part, default: []].insert(block, at: index)
    }

    /// A block that is being made.
    private struct Filling {
        private(set) var first: [UInt8] = []
        private(set) var last: [UInt8] = []
        private(set) var count = 0
        private(set) var writer = ByteWriter()

        var isFull: Bool { writer.bytes.count >= Limits.bytes }

        mutating func add(_ id: [UInt8], _ row: [UInt8]) {
            if count == 0 {
                writer = ByteWriter(reserving: row.count + Limits.bytes)
                writer.integer(RowBlocks.format)
                first = id
            }
            writer.data(id)
            writer.data(row)
            last = id
            count += 1
        }
    }

    // MARK: All of it anew; `finish` must follow once it is committed

    func removeAll(from database: SQLiteDatabase) throws {
        isUnknown = true
        (blocks, lastNumber, lastRemoval) = ([:], 0, 0)
        try database.execute("DELETE FROM part_block; DELETE FROM part_removed")
    }

    /// Puts rows behind those that are there: `body` gives them, in the order of ids.
    func fill(
        _ part: String, in database: SQLiteDatabase,
        _ body: ((_ id: [UInt8], _ row: [UInt8]) throws -> Void) throws -> Void
    ) throws {
        var filling = Filling()
        try body { id, row in
            filling.add(id, row)
            if filling.isFull { try insert(&filling, at: blocks[part]?.count ?? 0, of: part, in: database) }
        }
        try insert(&filling, at: blocks[part]?.count ?? 0, of: part, in: database)
    }

    // MARK: Places

    /// The block that has the id between its ends.
    private static func index(of id: [UInt8], in blocks: [Block]) -> Int? {
        let index = lowerBound(blocks.count) { precedes(blocks[$0].last, id) }
        return index < blocks.count && blocks[index].spans(id) ? index : nil
    }

    /// As SQLite sorts them.
    private static func precedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                let common = min(left.count, right.count)
                if common > 0, let left = left.baseAddress, let right = right.baseAddress {
                    let order = memcmp(left, right, common)
                    if order != 0 { return order < 0 }
                }
                return left.count < right.count
            }
        }
    }

    /// The first place that does not precede.
    private static func lowerBound(_ count: Int, _ precedes: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
