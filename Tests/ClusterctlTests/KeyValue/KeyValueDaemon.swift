import Discovery
import HTTP
import Platform
import Store
import Synchronization
import TestSupport

@testable import clusterctl

/// The discovery API over a store of its own, on a unix socket as the daemon has it.
final class KeyValueDaemon: DiscoveryCluster, Proposer {
    let store = Store(
        schema: Schema(tables: Schema.clusterTables, kinds: DiscoverySchema.kinds, parts: DiscoverySchema.parts))
    let watches: WatchHub
    let nodeName = "host1"
    let leaderAddress: String? = "10.0.0.1:2377"
    let peerAddresses = ["10.0.0.1:2377"]
    private let loop: EventLoop
    private let directory: TemporaryDirectory
    private let address: SocketAddress
    private let server = Mutex<HTTPServer?>(nil)
    private let applying = Mutex(())
    private let watchers = Mutex(0)

    init() throws {
        loop = try EventLoop(name: "kv")
        watches = WatchHub(store: store, loop: loop)
        directory = try TemporaryDirectory("kv")
        address = .unix(directory.file("d.sock"))
        let server = HTTPServer(loop: loop) { [weak self] request in
            guard let self else { throw HTTPError(.serviceUnavailable, "gone") }
            if request.query.contains("watch") { watchers.withLock { $0 += 1 } }
            return await DiscoveryAPI(cluster: self).respond(to: request)
        }
        try server.listen(on: address)
        self.server.withLock { $0 = server }
    }

    deinit { loop.stop() }

    var proposer: any Proposer { self }
    var sessions: SessionKeeper { SessionKeeper(store: store, proposer: self) }
    var holdsLease: Bool { true }
    var isLeading: Bool { true }
    var knowsLeader: Bool { true }
    var lastContact: Duration { .zero }
    /// Whether a watch was asked for twice: once with the history, once of what is to come.
    var hasWatcher: Bool { watchers.withLock { $0 >= 2 } }

    func confirmLeadership() async throws {}
    func forward(_ request: HTTPRequest) async throws -> HTTPResponse { throw HTTPError(.badGateway, "nobody else") }

    func propose(_ command: [UInt8]) async throws -> [UInt8] {
        try applying.withLock { _ in
            try store.apply(index: store.applied.index + 1, term: 1, command: command)
        }
    }

    func run(_ words: String...) async -> (status: Int32, output: String, error: String) { await run(words) }

    func run(_ words: [String]) async -> (status: Int32, output: String, error: String) {
        let recording = RecordingConsole()
        let status = await Clusterctl.run(
            words, environment: ["CLUSTER_HOST": "\(address)"], console: recording.console)
        return (status, recording.output, recording.error)
    }

    /// The output as it is.
    func runBytes(_ words: String...) async -> [UInt8] {
        let bytes = Mutex<[UInt8]>([])
        let console = Console { stream, written in if stream == .output { bytes.withLock { $0 += written } } }
        _ = await Clusterctl.run(words, environment: ["CLUSTER_HOST": "\(address)"], console: console)
        return bytes.withLock { $0 }
    }
}
