import HTTP
import Platform
import Store
import Synchronization
import Testing

@testable import Discovery

/// scenarios.md, Raft and storage, 14: what is proposed once is proposed once, though nobody says what became of it. The store
/// keeps no table of clients' sessions (docs/decisions/0014), so that this is all that keeps a command from being applied twice.
@Suite struct UnknownOutcomeTests {
    /// Its commands are applied, and their answers lost, as when a leader is lost.
    private final class Unknowing: DiscoveryCluster, Proposer {
        let lone: LoneMember
        private let count = Mutex(0)

        init() throws { lone = try LoneMember() }

        var proposer: any Proposer { self }
        var store: Store { lone.store }
        var watches: WatchHub { lone.watches }
        var sessions: SessionKeeper { lone.sessions }
        var nodeName: String { lone.nodeName }
        var leaderAddress: String? { lone.leaderAddress }
        var peerAddresses: [String] { lone.peerAddresses }
        var isLeading: Bool { true }
        var knowsLeader: Bool { true }
        var lastContact: Duration { .zero }
        var holdsLease: Bool { false }
        var proposed: Int { count.withLock { $0 } }

        func confirmLeadership() async throws {}
        func forward(_ request: HTTPRequest) async throws -> HTTPResponse { throw HTTPError(.badGateway, "nobody") }

        func propose(_ command: [UInt8]) async throws -> [UInt8] {
            count.withLock { $0 += 1 }
            _ = try await lone.propose(command)
            throw HTTPError(.serviceUnavailable, "whether the change was made is not known")
        }
    }

    @Test func everyWayToWriteProposesOnce() async throws {
        let member = try Unknowing()
        let session = try await member.lone.ask(.put, "/v1/session/create").text.split(separator: "\"")[3]
        _ = try await member.lone.ask(.put, "/v1/kv/a", "1")
        let transaction = #"[{"KV": {"Verb": "set", "Key": "t", "Value": "MQ=="}}]"#
        let writes: [(HTTPMethod, String, String)] = [
            (.put, "/v1/kv/a", "2"), (.put, "/v1/kv/b?cas=0", "2"), (.put, "/v1/kv/a?acquire=\(session)", ""),
            (.put, "/v1/kv/a?release=\(session)", ""), (.delete, "/v1/kv/b", ""), (.delete, "/v1/kv/?recurse", ""),
            (.put, "/v1/txn", transaction), (.put, "/v1/session/create", ""),
            (.put, "/v1/session/destroy/\(session)", ""),
        ]
        for (number, (method, target, body)) in writes.enumerated() {
            let answer = try await member.ask(method, target, body)
            #expect(answer.status == 503, "\(method) \(target): \(answer.text)")
            #expect(member.proposed == number + 1, "\(method) \(target)")
        }
        // The state shows each of them once: a second put if absent would have been refused, a second session be another.
        #expect(member.store.revision == UInt64(writes.count) + 2)
    }
}
