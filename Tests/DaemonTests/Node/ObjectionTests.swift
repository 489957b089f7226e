import Manager
import Model
import Platform
import Store
import Testing

@testable import Daemon

/// What a certificate is good for is the state's to say.
@Suite struct ObjectionTests {
    private struct Case: Sendable {
        /// The certificate's.
        let role: PeerIdentity.Role
        let incarnation: UInt32
        let allowed: Set<ChannelPurpose>
    }

    private static func store(_ change: (inout Node) -> Void) async throws -> Store {
        let store = Store()
        let now = WallClock.now()
        var node = Node(
            id: "n1", createdAt: now, spec: NodeSpec(role: .manager),
            description: NodeDescription(
                hostname: "n1", platform: .init(architecture: "x86_64", os: "linux"), resources: Resources(),
                engine: EngineDescription(engineVersion: "1")), status: NodeStatus(state: .ready))
        change(&node)
        var transaction = Transaction(store.snapshot, at: now)
        try transaction.put(node)
        for (index, command) in try transaction.commands().enumerated() {
            _ = try store.apply(index: UInt64(index + 1), term: 1, command: command.encoded)
        }
        return store
    }

    private func check(_ cases: [Case], _ store: Store) {
        for peer in cases {
            let identity = PeerIdentity(
                nodeID: "n1", role: peer.role, clusterID: "c1", incarnation: peer.incarnation)
            for purpose in [ChannelPurpose.raft, .api, .renew, .dispatch] where purpose.admits(peer.role) {
                let objection = ManagerRole.objection(to: identity, for: purpose, store)
                #expect((objection == nil) == peer.allowed.contains(purpose), "\(identity) for \(purpose)")
            }
        }
    }

    @Test func aManagerMayAllAndOneWhoIsAheadOfTheStateToo() async throws {
        let all: Set<ChannelPurpose> = [.raft, .api, .renew, .dispatch]
        let never = try await Self.store { _ in }
        check([Case(role: .manager, incarnation: 0, allowed: all)], never)
        let again = try await Self.store { node in
            node.role = .manager
            node.incarnation = 2
        }
        check(
            [
                Case(role: .manager, incarnation: 1, allowed: [.renew, .dispatch]),
                Case(role: .manager, incarnation: 2, allowed: all), Case(role: .manager, incarnation: 3, allowed: all),
                Case(role: .worker, incarnation: 0, allowed: [.renew, .dispatch]),
            ], again)
    }

    /// It is in the group until it has left it, whatever is wished; from then on its certificate is good for the next one.
    @Test func aDemotedManagersCertificateIsGoodForItsRenewalAlone() async throws {
        let leaving = try await Self.store { node in
            node.spec.role = .worker
            node.role = .manager
        }
        check([Case(role: .manager, incarnation: 0, allowed: [.raft, .api, .renew, .dispatch])], leaving)
        let gone = try await Self.store { node in
            node.spec.role = .worker
            node.role = .worker
        }
        check(
            [
                Case(role: .manager, incarnation: 0, allowed: [.renew, .dispatch]),
                // Promoted again, which this manager has not learned yet.
                Case(role: .manager, incarnation: 1, allowed: [.raft, .api, .renew, .dispatch]),
            ], gone)
    }

    @Test func whoIsNotInTheStateIsHeardByRaftAlone() async throws {
        let store = try await Self.store { $0.id = "other" }
        check([Case(role: .manager, incarnation: 0, allowed: [.raft, .dispatch])], store)
    }
}
