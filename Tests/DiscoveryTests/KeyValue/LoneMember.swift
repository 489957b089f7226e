import HTTP
import Store
import Synchronization

@testable import Discovery

/// A cluster of one member, whose proposals are applied at once.
final class LoneMember: DiscoveryCluster, Proposer {
    let store = Store(
        schema: Schema(tables: Schema.clusterTables, kinds: [KeyValueCommand()], parts: [KeyValueState.self]))
    private let applying = Mutex(())

    var proposer: any Proposer { self }
    var isLeading: Bool { true }
    var knowsLeader: Bool { true }

    func confirmLeadership() async throws {}

    func forward(_ request: HTTPRequest) async throws -> HTTPResponse { throw HTTPError(.badGateway, "nobody else") }

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        try applying.withLock { _ in
            try store.apply(index: store.applied.index + 1, term: 1, command: command)
        }
    }

    struct Answer {
        let response: HTTPResponse
        let text: String
        var index: UInt64 { response.headers["X-Consul-Index"].flatMap(UInt64.init) ?? 0 }
    }

    func ask(_ method: HTTPMethod, _ target: String, _ body: String = "") async throws -> Answer {
        let response = await DiscoveryAPI(cluster: self).respond(
            to: HTTPRequest(method, target, body: HTTPBody(body)))
        return Answer(
            response: response, text: String(decoding: try await response.body.collect(upTo: 1 << 24), as: UTF8.self))
    }
}
