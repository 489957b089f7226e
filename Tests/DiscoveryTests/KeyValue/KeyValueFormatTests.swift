import Platform
import Store
import TestSupport
import Testing

@testable import Discovery

/// Bytes that logs, databases and snapshots of earlier versions hold: they are read and written as they were.
@Suite struct KeyValueFormatTests {
    @Test func commandsAreWrittenAsEver() {
        let key = Array("k".utf8)
        let value = Array("v".utf8)
        expect(
            KeyValueCommand.command(.checkAndSet, key: key, value: value, flags: 3, expected: 9).payload,
            "010203000000000000000900000000000000010000006b76")
        expect(
            KeyValueCommand.command(.acquire, key: Array("lock".utf8), value: value, flags: 7, session: "s1").payload,
            "010607000000000000000000000000000000040000006c6f636b02000000733176")
        var operation = TransactionOperation(verb: .checkAndSet, key: key)
        (operation.value, operation.flags, operation.index) = (value, 3, 9)
        expect(
            TransactionCommand.command([operation]).payload,
            "0101000203000000000000000900000000000000010000006b000000000100000076")
        expect(SessionCommand.create(Self.session).payload, "0101" + Self.sessionRow)
        expect(SessionCommand.destroy(["s1"]).payload, "01020100020000007331")
        expect(SessionCommand.endDelays([(key: key, revision: 4)]).payload, "01030100010000006b0400000000000000")
    }

    @Test func rowsAreReadAsTheyWereWritten() throws {
        expect(Self.session.row, Self.sessionRow)
        #expect(try KeySession(row: Self.session.row) == Self.session)
        let delay = LockDelay(key: [1], revision: 4, delay: .seconds(1))
        expect(delay.row, "01040000000000000000ca9a3b00000000")
        #expect(try LockDelay(key: [1], row: delay.row) == delay)
        let version = KeyVersion(
            key: Array("k".utf8)[...], value: Array("v".utf8)[...], flags: 7, create: 2, modify: 3, order: 1, lock: 4,
            session: "s1")
        expect(
            version.row,
            "010007000000000000000200000000000000030000000000000001000000040000000000000002010073316b76")
    }

    /// In memory a version leaves out what is zero: its row does not.
    @Test func versionsAreTheSameAsTheirRows() throws {
        for mask in 0..<64 {
            func has(_ bit: Int) -> Bool { mask & 1 << bit != 0 }
            let key = Array("key".utf8)
            let value = has(0) ? [] : Array("value".utf8)
            let version = KeyVersion(
                key: key[...], value: value[...], flags: has(1) ? 7 : 0, create: has(2) ? 2 : 3, modify: 3,
                order: has(3) ? 5 : 0, lock: has(4) ? .max : 0, session: has(5) ? "session" : "", isDeleted: has(0))
            let read = try KeyVersion(row: version.row)
            #expect(read.row == version.row && read.rowCount == version.row.count && read.id == version.id)
            #expect(Array(read.key) == key && Array(read.value) == value && read.isDeleted == has(0))
            #expect(read.flags == (has(1) ? 7 : 0) && read.create == (has(2) ? 2 : 3) && read.modify == 3)
            #expect(read.order == (has(3) ? 5 : 0) && read.lock == (has(4) ? .max : 0))
            #expect(read.session == (has(5) ? "session" : "") && read.isHeld == has(5))
            #expect(version.rowHash(in: "kv") == RowHash.of("kv", id: version.id, row: version.row))
            #expect(try KeyVersion(row: version.withoutValue.row).value.isEmpty)
        }
    }

    @Test func whatIsNoRowOfAVersionIsRefused() throws {
        let row = KeyVersion(
            key: Array("key".utf8)[...], value: Array("value".utf8)[...], create: 2, modify: 3, session: "s"
        ).row
        for count in 0..<(row.count - 5) {
            #expect(throws: StoreError.self) { try KeyVersion(row: Array(row.prefix(count))) }
        }
        var random = Seeded(1)
        for _ in 0..<2_000 {
            var damaged = row
            damaged[Int.random(in: 0..<row.count, using: &random)] = .random(in: 0...255, using: &random)
            // Whatever is taken is what it says.
            if let version = try? KeyVersion(row: damaged) { #expect(version.row == damaged) }
        }
    }

    @Test func aCompactionOfTheFirstVersionIsUnderstood() throws {
        var state = KeyValueState()
        var writer = ByteWriter()
        writer.integer(UInt64(8))
        writer.integer(UInt64(7))
        try state.load(id: [0xff] + Array("compacted".utf8), row: writer.bytes)
        #expect(state.compacted == 8 && state.forgotten == 7 && state.forgottenLock == 0)
    }

    private static let sessionRow =
        "01020000007331010000006e0100000068020300000031307300e40b540200000000d6117e0300000001000a00000073657266"
        + "4865616c746805000000000000000600000000000000"

    private static let session: KeySession = {
        var session = KeySession(id: "s1")
        (session.name, session.node, session.behavior) = ("n", "h", .delete)
        (session.ttlText, session.ttl, session.lockDelay) = ("10s", .seconds(10), .seconds(15))
        (session.checks, session.create, session.modify) = (["serfHealth"], 5, 6)
        return session
    }()

    private func expect(_ bytes: some Sequence<UInt8>, _ hex: String, sourceLocation: SourceLocation = #_sourceLocation)
    {
        #expect(Digest.hex(Array(bytes)) == hex, sourceLocation: sourceLocation)
    }
}
