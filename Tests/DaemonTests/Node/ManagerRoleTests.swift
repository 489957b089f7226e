import HTTP
import Model
import Platform
import Raft
import Store
import TestSupport
import Testing

@testable import Daemon
@testable import Manager

/// A real manager over real connections.
@Suite(.timeLimit(.minutes(1)), .enabled(if: TestManager.canRun, "needs root, runc and conmon"))
struct ManagerRoleTests {
    // MARK: Joins that fail

    @Test func whoCannotTakeUpItsPartIsForgottenAtOnce() async throws {
        try await TestManager.run { manager in
            let joined = try await manager.admit(.worker)
            #expect(manager.node(joined.id)?.status.message == NodeStatus.letIn)
            try await joined.channel.send(json: JoinerMessage.gaveUp("no runtime"))
            try await eventually { manager.node(joined.id) == nil }
            #expect(manager.store.snapshot.get(RemovedNode.self, joined.id) != nil)
            joined.channel.close()
        }
    }

    /// Nothing listens at port 1.
    @Test func aManagerThatIsNotReachedIsRefusedAndForgotten() async throws {
        try await TestManager.run { manager in
            let joined = try await manager.admit(.manager)
            try await joined.channel.send(json: JoinerMessage.ready)
            guard case .refused(let reason)? = try await joined.channel.receive(json: JoinHostMessage.self) else {
                Issue.record("not refused")
                return
            }
            #expect(reason.contains("does not answer at 127.0.0.1:1"))
            #expect(manager.node(joined.id) == nil)
            #expect(manager.raft.status.configuration.voters.count == 1)
            joined.channel.close()
        }
    }

    /// It may have written down who it is, and come back.
    @Test func whoGoesAwayInTheMiddleIsWaitedFor() async throws {
        try await TestManager.run { manager in
            let joined = try await manager.admit(.worker)
            joined.channel.close()
            try await Task.sleep(for: .milliseconds(300))
            #expect(manager.node(joined.id) != nil)
            let current = CurrentCredentials(joined.credentials)
            #expect(try await manager.renew(current).node == joined.credentials.node)
        }
    }

    /// A request that is sent once more, with a token that is good, makes no second certificate of the first node's.
    @Test func whoIsLetInTwiceIsTwoNodes() async throws {
        try await TestManager.run { manager in
            let key = PrivateKey.generate()
            let first = try await manager.admit(.worker, key: key)
            let second = try await manager.admit(.worker, key: key)
            #expect(first.id != second.id)
            for joined in [first, second] { joined.channel.close() }
        }
    }

    // MARK: Roles

    @Test func whatANodeIsIsTheStatesToSay() async throws {
        try await TestManager.run { manager in
            let joined = try await manager.admit(.worker)
            try await joined.channel.send(json: JoinerMessage.ready)
            _ = try await joined.channel.receive(json: JoinHostMessage.self)
            let current = CurrentCredentials(joined.credentials)
            let open = { (purpose: ChannelPurpose) async -> Bool in
                let links = ClusterLinks(current, loop: manager.loops.cluster)
                guard let channel = try? await links.open(purpose, to: manager.address) else { return false }
                channel.close()
                return true
            }
            #expect(await open(.dispatch))
            #expect(await !open(.raft))
            try await manager.change(joined.id) { $0.wish(.manager) }
            #expect(try await manager.renew(current).node.role == .manager)
            #expect(current.value.node.incarnation == 1)
            try await eventually { manager.node(joined.id)?.hasItsCertificate == true }
            for purpose in [ChannelPurpose.raft, .api, .dispatch] { #expect(await open(purpose), "\(purpose)") }
            // It leaves the group, in which it never was, and counts as a worker: its certificate is worth no more.
            try await manager.change(joined.id) { $0.wish(.worker) }
            try await eventually { manager.node(joined.id)?.role == .worker }
            for purpose in [ChannelPurpose.raft, .api] { #expect(await !open(purpose), "\(purpose)") }
            #expect(await open(.dispatch))
            #expect(try await manager.renew(current).node.role == .worker)
            #expect(try await manager.renew(current).node.incarnation == 1)
        }
    }

    // MARK: A root without its key

    @Test func aRootWithoutItsKeyIsChanged() async throws {
        try await TestManager.run { manager in
            let joined = try await manager.admit(.worker)
            try await joined.channel.send(json: JoinerMessage.ready)
            _ = try await joined.channel.receive(json: JoinHostMessage.self)
            let (worker, founder) = (CurrentCredentials(joined.credentials), manager.credentials)
            try await manager.write { transaction in
                guard var secrets = transaction.snapshot.all(ClusterSecrets.self).first else { return }
                secrets.rootKey = "-----BEGIN NOTHING-----"
                try transaction.put(secrets)
            }
            // Nobody is renewed, nobody joins; what to do is said.
            let error = await #expect(throws: NoManager.self) { try await manager.renew(worker) }
            #expect(error?.description.contains("clusterctl manager ca rotate") == true)
            await #expect(throws: (any Error).self) { try await manager.admit(.worker) }

            let next = CertificateAuthority.make(clusterID: "c1")
            try await manager.write { try RootRotation.begin(next, in: &$0) }
            for node in [worker, founder] {
                let before = node.value.certificate
                let trusting = try await manager.renew(node)
                #expect(trusting.certificate == before && trusting.roots.contains(next.root))
            }
            try await eventually { manager.secrets?.rotation?.phase == .issuing }
            for node in [worker, founder] { #expect(try await manager.renew(node).issuer == next.root) }
            try await eventually { manager.secrets?.rotation == nil }
            #expect(manager.secrets?.rootCertificate == String(decoding: next.root.pem, as: UTF8.self))
            #expect(try await manager.renew(worker).roots == [next.root])
            // Who joins now does so under the next root.
            let late = try await manager.admit(.worker)
            #expect(late.credentials.issuer == next.root)
            late.channel.close()
            joined.channel.close()
        }
    }

    /// Who joins in the middle of a change trusts both roots at once.
    @Test func joinsGoOnWhileTheRootIsChanged() async throws {
        try await TestManager.run { manager in
            let former = manager.credentials.value.issuer
            let next = CertificateAuthority.make(clusterID: "c1")
            try await manager.write { try RootRotation.begin(next, in: &$0) }
            let first = try await manager.admit(.worker)
            #expect(first.credentials.issuer == former && first.credentials.roots == [former, next.root])
            _ = try await manager.renew(manager.credentials)
            try await eventually { manager.secrets?.rotation?.phase == .issuing }
            _ = try await manager.renew(manager.credentials)
            let second = try await manager.admit(.worker)
            #expect(second.credentials.issuer == next.root && second.credentials.roots == [former, next.root])
            for joined in [first, second] { joined.channel.close() }
        }
    }
}
