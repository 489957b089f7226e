import HTTP
import Store
import TestSupport
import Testing

@testable import Discovery

/// Whatever comes in is answered: never by a crash, never by 500, and never so that two members differ.
@Suite(.timeLimit(.minutes(2))) struct DiscoveryAPIFuzzTests {
    private static let spice =
        [
            "%", "..", "/", "?", "&", "=", "index=1&wait=1ns", "recurse", "acquire=", "release=", "cas=0", "keys",
            "raw",
            "separator=/", "18446744073709551616", "\"", "\\u0000", "null", "{", "[", "]", "}", "KV", "\u{FEFF}",
            "get-tree", "delete-tree", "lock", "Session", "-1", "1e999",
        ].map { Array($0.utf8) } + [[0xff], [0], [0xc3], [0xed, 0xa0, 0x80]]

    @Test func targetsAreAnswered() async throws {
        let member = try LoneMember()
        let session = try await member.session()
        let corpus = [
            "/v1/kv/a/b?recurse&separator=/", "/v1/kv/a?index=5&wait=1ms", "/v1/kv/a?cas=1&flags=7",
            "/v1/kv/lock?acquire=\(session)", "/v1/kv/lock?release=\(session)", "/v1/kv/%2e%2e/x?raw",
            "/v1/session/info/\(session)", "/v1/session/renew/\(session)", "/v1/session/list?stale",
            "/v1/status/peers", "/v1/kv/?keys&separator=%2F",
        ].map { Array($0.utf8) }
        var mutator = Mutator(corpus, spice: Self.spice, seed: 1)
        for _ in 0..<4_000 {
            let text = String(decoding: mutator.next().filter { $0 > 0x20 && $0 != 0x7f }, as: UTF8.self)
            // A wait of minutes is no mistake.
            let target = "/" + text.drop { $0 == "/" }.replacing("wait=", with: "wait=1ns&w=").prefix(3_000)
            let method: HTTPMethod = [.get, .put, .delete].randomElement(using: &mutator.random) ?? .get
            let request = Task {
                try await member.ask(method, target.contains("index") ? target + "&stale&consistent" : target, "x")
            }
            let answer = try await request.value
            let isSession = answer.text.hasPrefix("invalid session")
            #expect(answer.status < 500 || isSession, "\(method) \(target): \(answer.status) \(answer.text)")
        }
        try Self.checkReplicas(of: member)
    }

    @Test func bodiesAreAnswered() async throws {
        let member = try LoneMember()
        let session = try await member.session()
        let corpus = [
            #"[{"KV":{"Verb":"set","Key":"a","Value":"MQ==","Flags":7}},{"KV":{"Verb":"get-tree","Key":""}}]"#,
            #"[{"KV":{"Verb":"lock","Key":"l","Session":"\#(session)"}},{"KV":{"Verb":"delete-tree","Key":"a"}}]"#,
            #"[{"KV":{"Verb":"cas","Key":"a","Index":3}},{"KV":{"Verb":"check-session","Key":"l","Session":""}}]"#,
            #"{"Name":"n","TTL":"15s","LockDelay":"1s","Behavior":"delete","Checks":["serfHealth"]}"#,
            #"{"name":"n","ttl":"24h","lockdelay":15000000000,"nodechecks":[]}"#,
        ].map { Array($0.utf8) }
        var mutator = Mutator(corpus, spice: Self.spice, seed: 2)
        for round in 0..<4_000 {
            let bytes = mutator.next()
            let target = round % 3 == 0 ? "/v1/session/create" : "/v1/txn"
            let answer = await DiscoveryAPI(cluster: member).respond(
                to: HTTPRequest(.put, target, body: HTTPBody(bytes)))
            #expect(answer.status.code < 500, "\(target) \(String(decoding: bytes, as: UTF8.self))")
        }
        try Self.checkReplicas(of: member)
    }

    /// Commands that no member would propose stop one, as `StoreError`; they trap nowhere.
    @Test func commandsAreReadOrRefused() throws {
        var operation = TransactionOperation(verb: .lock, key: Array("k".utf8))
        operation.session = "s"
        let corpus: [ArraySlice<UInt8>] = [
            KeyValueCommand.command(.acquire, key: Array("k".utf8), value: [1], session: "s").payload,
            KeyValueCommand.command(.deleteTree, key: []).payload,
            KeyValueCommand.command(.compact, key: [], expected: 9).payload,
            TransactionCommand.command([operation, operation]).payload,
            SessionCommand.create(KeySession(id: "s")).payload, SessionCommand.destroy(["s"]).payload,
            SessionCommand.endDelays([(key: Array("k".utf8), revision: 1)]).payload,
        ]
        var mutator = Mutator(
            corpus.map(Array.init), spice: [[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [1], [255]], seed: 3)
        let store = Store(schema: LoneMember.schema)
        for index in 1...6_000 {
            let kind = ["kv", "kv-txn", "session"][index % 3]
            let command = Command(kind: kind, payload: mutator.next()).encoded
            do { _ = try store.apply(index: store.applied.index + 1, term: 1, command: command) } catch is StoreError {}
        }
        let copy = Store(schema: LoneMember.schema)
        try copy.restore(store.snapshotBytes().bytes)
        #expect(copy.digest == store.digest)
    }

    /// Who applied all commands, and who read a snapshot, have the same state.
    private static func checkReplicas(of member: LoneMember) throws {
        let replica = Store(schema: LoneMember.schema)
        for command in member.commands {
            _ = try replica.apply(index: replica.applied.index + 1, term: 1, command: command)
        }
        #expect(replica.digest == member.store.digest)
        let copy = Store(schema: LoneMember.schema)
        try copy.restore(member.store.snapshotBytes().bytes)
        #expect(copy.digest == member.store.digest)
    }
}
