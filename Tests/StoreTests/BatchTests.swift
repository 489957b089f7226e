import Model
import TestSupport
import Testing

@testable import Store

/// Commands that are applied together do what they would have done one by one.
@Suite struct BatchTests {
    @Test(arguments: [1, 2, 3] as [UInt64]) func aBatchIsItsCommandsInOrder(seed: UInt64) throws {
        var random = Seeded(seed)
        let (alone, together) = (Store(), Store())
        var index: UInt64 = 0
        var held: [(Snapshot, UInt64)] = []
        for _ in 0..<40 {
            var batch: [CommittedCommand] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                index += 1
                batch.append(
                    CommittedCommand(
                        position: LogPosition(index: index, term: 1), command: try Self.command(&random, index)))
            }
            let expected = try batch.map {
                try alone.apply(index: $0.position.index, term: 1, command: $0.command)
            }
            #expect(try together.apply(batch) == expected)
            #expect(together.applied == alone.applied && together.revision == alone.revision)
            #expect(together.digest == alone.digest)
            // Whoever reads holds a state that stays as it is.
            if Bool.random(using: &random) { held.append((together.snapshot, together.digest)) }
        }
        for (snapshot, hash) in held { #expect(snapshot.digestOfRows == hash) }
    }

    /// Puts and deletes with versions that are often wrong, and names that are often taken; sometimes nothing.
    private static func command(_ random: inout Seeded, _ index: UInt64) throws -> [UInt8] {
        var writes: [ObjectsCommand.Write] = []
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let id = "s\(Int.random(in: 0..<6, using: &random))"
            let name = "name\(Int.random(in: 0..<6, using: &random))"
            let expected = Bool.random(using: &random) ? 0 : UInt64.random(in: 0...index, using: &random)
            let object = try ObjectCoding.encode(makeService(id, name: name))
            let isPut = Int.random(in: 0..<4, using: &random) > 0
            writes.append(.init(table: "service", id: id, expected: expected, object: isPut ? object : nil))
        }
        return writes.isEmpty ? [] : ObjectsCommand.command(writes).encoded
    }

    @Test func whatCannotBeAppliedEndsTheBatchBeforeIt() throws {
        let store = Store()
        func put(_ id: String) throws -> [UInt8] {
            let object = try ObjectCoding.encode(makeService(id, name: id))
            return ObjectsCommand.command([.init(table: "service", id: id, expected: 0, object: object)]).encoded
        }
        let commands = [try put("a"), Command(kind: "telepathy", payload: []).encoded, try put("b")]
        let batch = commands.enumerated().map { place, command in
            CommittedCommand(position: LogPosition(index: UInt64(place + 1), term: 1), command: command)
        }
        #expect(throws: StoreError.self) { try store.apply(batch) }
        #expect(store.applied.index == 1)
        #expect(store.snapshot.all(Service.self).map(\.id) == ["a"])
    }

    @Test func aSnapshotInSmallPiecesIsTheSame() throws {
        let store = Store()
        for number in 0..<300 as Range<UInt64> {
            let object = try ObjectCoding.encode(makeService("s\(number)", name: "n\(number)"))
            let write = ObjectsCommand.Write(table: "service", id: "s\(number)", expected: 0, object: object)
            _ = try store.apply(index: number + 1, term: 1, command: ObjectsCommand.command([write]).encoded)
        }
        for limit in [1, 700, 64 << 10] {
            var reader = store.snapshotReader()
            let copy = Store()
            var pieces = 0
            let state = try copy.read {
                pieces += 1
                return reader.next(upTo: limit)
            }
            #expect(copy.applied.index == 0, "it is not in force yet")
            copy.install(state)
            #expect(copy.applied == store.applied && copy.digest == store.digest)
            #expect(limit > 1 || pieces > 300)
        }
    }
}
