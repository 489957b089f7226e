import HTTP
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
