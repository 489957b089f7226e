import Model
import Platform
import Raft

@testable import Discovery
@testable import Store

/// Commands as a manager's API proposes them: keys, locks, sessions, transactions, compaction, and objects beside them.
enum StateCommands {
    private static let prefixes = ["a", "b", "c"]

    static let topics: [WatchTopic] = [
        .prefix([]), .prefix(Array("a/".utf8)), .key(Array("a/1".utf8)), .key(Array("b/2".utf8)),
        .prefix(Array("c/3".utf8)), .prefix(Array("none".utf8)),
    ]

    static var schema: Schema {
        Schema(tables: Schema.clusterTables, kinds: DiscoverySchema.kinds, parts: DiscoverySchema.parts)
    }

    /// - Parameters:
    ///   - snapshot: what who proposes it sees.
    ///   - number: another for each.
    static func drawn(_ snapshot: Snapshot, number: UInt64, _ random: inout SeededGenerator) throws -> [UInt8] {
        let keys = snapshot.part(KeyValueState.self)
        let sessions = snapshot.part(SessionState.self)
        let key = Array("\(prefixes[Int(random.below(3))])/\(random.below(5))".utf8)
        let value = [UInt8](
            repeating: UInt8(number & 255), count: Int(random.below(random.below(5) == 0 ? 20_000 : 40)))
        let session = sessions.all.isEmpty ? "" : sessions.all[Int(random.below(UInt64(sessions.count)))].id
        let modify = keys.version(of: key[...])?.modify ?? 0
        switch random.below(24) {
        case 0: return KeyValueCommand.command(.delete, key: key).encoded
        case 1: return KeyValueCommand.command(.deleteTree, key: Array(key.prefix(2))).encoded
        case 2, 3: return KeyValueCommand.command(.checkAndSet, key: key, value: value, expected: modify).encoded
        case 4: return KeyValueCommand.command(.checkAndDelete, key: key, expected: modify).encoded
        case 5, 6: return KeyValueCommand.command(.acquire, key: key, value: value, session: session).encoded
        case 7: return KeyValueCommand.command(.release, key: key, value: value, session: session).encoded
        case 8:
            var made = KeySession(id: "session-\(number)")
            made.lockDelay = random.below(2) == 0 ? .zero : .seconds(1)
            made.behavior = random.below(2) == 0 ? .release : .delete
            return SessionCommand.create(made).encoded
        case 9 where sessions.count > 3: return SessionCommand.destroy([session]).encoded
        case 10:
            return SessionCommand.endDelays(sessions.allDelays.map { ($0.key, $0.revision) }).encoded
        case 11:
            let behind = random.below(300)
            guard snapshot.revision > behind else { break }
            return KeyValueCommand.command(.compact, key: [], expected: snapshot.revision - behind).encoded
        case 12...15: return transaction(key, value, modify, session, &random)
        case 16, 17:
            var changes = Transaction(snapshot, at: Timestamp(seconds: Int64(number)))
            let id = "network-\(random.below(6))"
            if changes.get(Network.self, id) != nil, random.below(3) == 0 {
                changes.delete(Network.self, id)
            } else {
                try changes.put(Network(id: id, createdAt: changes.now, name: "\(id)-\(random.below(3))"))
            }
            if let command = try changes.commands().first { return command.encoded }
        default: break
        }
        return KeyValueCommand.command(.set, key: key, value: value, flags: number).encoded
    }

    private static func transaction(
        _ key: [UInt8], _ value: [UInt8], _ modify: UInt64, _ session: String, _ random: inout SeededGenerator
    ) -> [UInt8] {
        let verbs: [TransactionOperation.Verb] = [.set, .set, .checkAndSet, .delete, .get, .lock, .checkNotExists]
        var operations: [TransactionOperation] = []
        for number in 0...random.below(4) {
            let verb = verbs[Int(random.below(UInt64(verbs.count)))]
            var operation = TransactionOperation(
                verb: verb, key: number == 0 ? key : Array("a/\(random.below(3))".utf8))
            (operation.value, operation.index, operation.session) = (value, modify, session)
            operations.append(operation)
        }
        return TransactionCommand.command(operations).encoded
    }
}
