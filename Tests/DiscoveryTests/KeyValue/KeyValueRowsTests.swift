import HTTP
import Platform
import Store
import TestSupport
import Testing

@testable import Discovery

/// The rows of keys and sessions can be read a few at a time, and make the same state again.
@Suite struct KeyValueRowsTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func rowsGoOnFromAnyPlace(seed: UInt64) async throws {
        var random = Seeded(seed)
        let member = try LoneMember()
        for number in 0..<400 {
            let key = "k\(Int.random(in: 0..<60, using: &random))"
            switch Int.random(in: 0..<12, using: &random) {
            case 0: _ = try await member.ask(.delete, "/v1/kv/\(key)")
            case 1: _ = try await member.ask(.delete, "/v1/kv/\(key.prefix(2))?recurse")
            case 2:
                _ = try await member.session(#"{"LockDelay":"1s"}"#)
                let id = try #require(member.store.snapshot.part(SessionState.self).all.first?.id)
                _ = try await member.ask(.put, "/v1/kv/\(key)?acquire=\(id)", "held")
            case 3:
                guard let id = member.store.snapshot.part(SessionState.self).all.first?.id else { continue }
                _ = try await member.ask(.put, "/v1/session/destroy/\(id)")
            case 4:
                let revision = UInt64.random(in: 1...max(1, member.store.revision), using: &random)
                _ = try await member.ask(.put, "/v1/operator/kv/compact?revision=\(revision)")
            default: _ = try await member.ask(.put, "/v1/kv/\(key)", "\(number)")
            }
        }
        let snapshot = member.store.snapshot
        for (part, copy) in [
            (snapshot.part(KeyValueState.self) as any StatePart, KeyValueState() as any StatePart),
            (snapshot.part(SessionState.self), SessionState()),
        ] {
            let whole = Self.rows(of: part, atOnce: .max)
            #expect(!whole.isEmpty)
            for count in [1, 2, 7] { #expect(Self.rows(of: part, atOnce: count) == whole) }
            var copy = copy
            for row in whole { try copy.load(id: row[0], row: row[1]) }
            #expect(Self.rows(of: copy, atOnce: 3) == whole)
        }
        let other = Store(schema: LoneMember.schema)
        try other.restore(member.store.snapshotBytes().bytes)
        #expect(other.digest == member.store.digest)
    }

    /// A database that is written now and then and opened again has the state, its history and their order.
    @Test(arguments: [1, 2, 3] as [UInt64]) func theDatabaseHasTheSame(seed: UInt64) throws {
        var random = Seeded(seed)
        let folder = try TemporaryDirectory("keys")
        let path = folder.file("state.db")
        let keys = DataKeys(.first())
        var store = try Store(path: path, keys: keys, schema: LoneMember.schema)
        let value = [UInt8](repeating: 1, count: 300)
        for index in 1...3_000 as ClosedRange<UInt64> {
            let key = Array("k\(Int.random(in: 0..<200, using: &random))".utf8)
            let command: Command
            switch Int.random(in: 0..<40, using: &random) {
            case 0:
                let revision = UInt64.random(in: 0...max(1, store.revision), using: &random)
                command = KeyValueCommand.command(.compact, key: [], expected: revision)
            case 1...5: command = KeyValueCommand.command(.delete, key: key)
            case 6: command = KeyValueCommand.command(.deleteTree, key: Array(key.prefix(2)))
            default: command = KeyValueCommand.command(.set, key: key, value: value)
            }
            _ = try store.apply(index: index, term: 1, command: command.encoded)
            if Int.random(in: 0..<40, using: &random) == 0 { try store.flush() }
            // Written as a whole, as a state that came from elsewhere is.
            if index == 1_500 { try store.replace(by: store.snapshot, at: store.applied) }
            guard index % 500 == 0 else { continue }
            try store.close()
            let again = try Store(path: path, keys: keys, schema: LoneMember.schema)
            #expect(again.digest == store.digest && again.isSound() && again.applied == store.applied)
            let part = again.snapshot.part(KeyValueState.self)
            #expect(
                Self.rows(of: part, atOnce: .max)
                    == Self.rows(of: store.snapshot.part(KeyValueState.self), atOnce: .max))
            var ordered: [[[UInt8]]] = []
            part.forEachRowAsAppended { id, row in ordered.append([id, row]) }
            #expect(Set(ordered) == Set(Self.rows(of: part, atOnce: .max)))
            let ids = ordered.map { $0[0] }.filter { KeyValueState.isAppended($0) }
            #expect(ids.count >= ordered.count - 1)
            #expect(zip(ids, ids.dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) })
            store = again
        }
    }

    private static func rows(of part: any StatePart, atOnce count: Int) -> [[[UInt8]]] {
        var rows: [[[UInt8]]] = []
        var place: [UInt8]?
        repeat {
            var taken = 0
            place = part.rows(after: place) { id, row in
                rows.append([id, row])
                taken += 1
                return taken < count
            }
        } while place != nil
        return rows
    }

    @Test func eachEndOfASessionIsAChange() async throws {
        let member = try LoneMember()
        let ids = [try await member.session("{}"), try await member.session("{}")]
        var indexes: [UInt64] = []
        for id in ids {
            _ = try await member.ask(.put, "/v1/session/destroy/\(id)")
            indexes.append(member.store.revision)
        }
        #expect(indexes == [3, 4])
        #expect(member.store.snapshot.part(SessionState.self).lastChange == 4)
    }
}
