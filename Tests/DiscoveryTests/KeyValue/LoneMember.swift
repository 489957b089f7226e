import HTTP
import Platform
import Store
import Synchronization
import Testing

@testable import Discovery

/// A cluster of one member, whose proposals are applied at once.
final class LoneMember: DiscoveryCluster, Proposer {
    static var schema: Schema {
        Schema(tables: Schema.clusterTables, kinds: DiscoverySchema.kinds, parts: DiscoverySchema.parts)
    }

    let store = Store(schema: LoneMember.schema)
    let watches: WatchHub
    let nodeName = "lone"
    let leaderAddress: String? = "10.0.0.1:2377"
    let peerAddresses = ["10.0.0.1:2377", "10.0.0.2:2377"]
    let time = HandClock()
    /// Made anew by whoever is to count anew.
    private let keeper = Mutex<SessionKeeper?>(nil)
    private let loop: EventLoop
    /// What was applied, in order.
    private let log = Mutex<[[UInt8]]>([])
    private let hasLease = Mutex(true)
    private let confirmed = Mutex(0)

    init(waiterLimit: Int = WatchHub.Limits.waiters) throws {
        loop = try EventLoop(name: "lone")
        watches = WatchHub(store: store, loop: loop, waiterLimit: waiterLimit)
    }

    deinit { loop.stop() }

    var proposer: any Proposer { self }
    var isLeading: Bool { true }
    var holdsLease: Bool { hasLease.withLock { $0 } }
    var knowsLeader: Bool { true }
    var lastContact: Duration { .zero }
    var sessions: SessionKeeper {
        keeper.withLock { keeper in
            if let keeper { return keeper }
            let made = SessionKeeper(store: store, proposer: self, time: time)
            made.count()
            keeper = made
            return made
        }
    }
    /// As another member that begins to lead.
    func leadAnew() { keeper.withLock { $0 = nil } }
    var commands: [[UInt8]] { log.withLock { $0 } }

    /// How often a majority was asked.
    var confirmations: Int { confirmed.withLock { $0 } }

    func endLease() { hasLease.withLock { $0 = false } }

    func confirmLeadership() async throws { confirmed.withLock { $0 += 1 } }

    func forward(_ request: HTTPRequest) async throws -> HTTPResponse { throw HTTPError(.badGateway, "nobody else") }

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        try log.withLock { log in
            log.append(command)
            let answer = try store.apply(index: store.applied.index + 1, term: 1, command: command)
            // Whatever a test does: the digest is that of the rows. Not where it takes long to go through all of them.
            if log.count < 64, log.allSatisfy({ $0.count < 4_096 }) { #expect(store.isSound()) }
            return answer
        }
    }
}

/// A clock that stands until it is put forward.
final class HandClock: TimeSource {
    private let elapsed = Mutex(Duration.seconds(1_000))

    var monotonic: Duration { elapsed.withLock { $0 } }
    var wall: Timestamp { Timestamp(seconds: 1_700_000_000) }

    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}

/// A member that has another lead, and applies what that one did only when it is told to.
final class FollowingMember: DiscoveryCluster {
    let store = Store(schema: LoneMember.schema)
    let watches: WatchHub
    let nodeName = "following"
    var leaderAddress: String? { knowsLeader ? "10.0.0.1:2377" : nil }
    let peerAddresses = ["10.0.0.1:2377", "10.0.0.2:2377"]
    let leader: LoneMember
    private let loop: EventLoop
    private let isCutOff = Mutex(false)
    private let questions = Mutex(0)
    private let delay = Mutex(Duration.zero)
    private let refusals = Mutex(0)

    init(of leader: LoneMember) throws {
        self.leader = leader
        loop = try EventLoop(name: "following")
        watches = WatchHub(store: store, loop: loop)
    }

    deinit { loop.stop() }

    var proposer: any Proposer { leader }
    var isLeading: Bool { false }
    var holdsLease: Bool { false }
    var knowsLeader: Bool { !isCutOff.withLock { $0 } }
    var lastContact: Duration { .milliseconds(1_234) }
    var sessions: SessionKeeper { SessionKeeper(store: store, proposer: leader, time: leader.time) }
    /// How often the leader was asked.
    var forwarded: Int { questions.withLock { $0 } }

    /// Each question to the leader takes so long from now on.
    func slowDown(by duration: Duration) { delay.withLock { $0 = duration } }

    /// So many of the next questions are answered by one that leads no more.
    func refuse(times: Int) { refusals.withLock { $0 = times } }

    func cutOff() { isCutOff.withLock { $0 = true } }

    func confirmLeadership() async throws { throw HTTPError(.serviceUnavailable, "not the leader") }

    func forward(_ request: HTTPRequest) async throws -> HTTPResponse {
        questions.withLock { $0 += 1 }
        try await Task.sleep(for: delay.withLock { $0 })
        guard knowsLeader else { throw HTTPError(.serviceUnavailable, "no leader") }
        let isRefused = refusals.withLock { left in
            defer { left = max(0, left - 1) }
            return left > 0
        }
        if isRefused { return HTTPResponse(.internalServerError, body: HTTPBody("rpc error: not the leader")) }
        return await DiscoveryAPI(cluster: leader).respond(to: request)
    }

    /// Applies all that the leader has applied.
    func catchUp() throws {
        for command in leader.commands.dropFirst(Int(store.applied.index)) {
            _ = try store.apply(index: store.applied.index + 1, term: 1, command: command)
        }
    }
}

extension DiscoveryCluster {
    func ask(_ method: HTTPMethod, _ target: String, _ body: String = "") async throws -> Answer {
        let response = await DiscoveryAPI(cluster: self).respond(
            to: HTTPRequest(method, target, body: HTTPBody(body)))
        return Answer(
            response: response, text: String(decoding: try await response.body.collect(upTo: 1 << 24), as: UTF8.self))
    }
}

struct Answer: Sendable {
    let response: HTTPResponse
    let text: String
    var status: Int { response.status.code }
    var index: UInt64 { response.headers["X-Consul-Index"].flatMap(UInt64.init) ?? 0 }
}
