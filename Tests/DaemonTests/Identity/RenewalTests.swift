import FoundationEssentials
import Model
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Daemon

@Suite(.timeLimit(.minutes(1))) struct RenewalTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")
    private static let minute = Duration.seconds(60)

    // MARK: When

    @Test func isDueBetweenHalfAndFourFifthsOfTheCertificatesLife() throws {
        let now = WallClock.now()
        let certificate = try TestCertificates.credentials(
            of: Self.authority, "n1", validity: Self.minute * 100, now: now
        ).certificate
        for (jitter, minutes) in [(0.0, 50), (0.5, 65), (1.0, 80), (7.0, 80), (-1.0, 50)] {
            let due = RenewalSchedule(for: certificate, jitter: jitter).due
            #expect(abs(due.seconds - now.seconds - Int64(minutes) * 60) <= 1, "\(jitter)")
        }
    }

    @Test func theClockIsLookedAtAndAttemptsComeMoreOftenTowardsTheEnd() throws {
        let now = WallClock.now()
        let certificate = try TestCertificates.credentials(
            of: Self.authority, "n1", validity: Self.minute * 1000, now: now
        ).certificate
        let schedule = RenewalSchedule(for: certificate, jitter: 0)
        #expect(schedule.wait(at: now, failures: 0) == RenewalSchedule.Limits.look)
        #expect(schedule.wait(at: now + Self.minute * 600, failures: 0) == .zero)
        let waits = (1...12).map { schedule.wait(at: now + Self.minute * 600, failures: $0) }
        #expect(waits.first == .seconds(1) && waits[3] == .seconds(8) && waits.last == .seconds(300))
        #expect(schedule.wait(at: now + Self.minute * 998, failures: 12) <= .seconds(31))
        #expect(schedule.wait(at: now + Self.minute * 2000, failures: .max) == .seconds(300))
    }

    // MARK: How

    /// A manager that answers as told.
    private static func manager(
        _ id: String, _ loop: EventLoop, kept: KeptCount = KeptCount(),
        _ answer: @escaping @Sendable (PeerIdentity, [UInt8]) throws -> RenewalAnswer?
    ) throws -> (ChannelListener, ManagerEndpoint) {
        let credentials = CurrentCredentials(try TestCertificates.credentials(of: authority, id, .manager))
        let listener = try ChannelListener(
            on: .ipv4(.loopback, 0), authentication: CertificateAuthentication(credentials) { _, _ in nil }, loop: loop
        ) { channel in
            guard case .request(let request)? = try? await channel.receive(json: RenewalMessage.self) else { return }
            if let answer = try? answer(channel.peer, Array(request)) {
                try? await channel.send(json: answer)
                if case .kept? = (try? await channel.receive(json: RenewalMessage.self)) ?? nil { kept.add() }
            }
        }
        return (listener, ManagerEndpoint(nodeID: id, address: "\(listener.address)"))
    }

    /// How often a manager heard that what it issued is in use.
    private final class KeptCount: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func add() { count.withLock { $0 += 1 } }
    }

    private static func issue(
        to node: PeerIdentity, _ request: [UInt8], by authority: CertificateAuthority = authority,
        trusting roots: [CertificateAuthority] = [authority], validity: Duration = CertificateAuthority.nodeValidity
    ) throws -> RenewalAnswer {
        let certificate = try authority.issue(CertificateRequest(der: request), to: node, validity: validity)
        return .issued(
            certificate: String(decoding: certificate.pem, as: UTF8.self),
            roots: roots.map { String(decoding: $0.root.pem, as: UTF8.self) }.joined())
    }

    private static func renewal(
        of credentials: CurrentCredentials, from managers: [ManagerEndpoint], _ loop: EventLoop
    ) -> CertificateRenewal {
        CertificateRenewal(
            credentials, links: ClusterLinks(credentials, loop: loop), managers: { managers },
            keep: { credentials.replace(by: $0) })
    }

    @Test func theLeaderIsFoundAndTheKeyIsNew() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let (leader, leaderEnd) = try Self.manager("m1", loop) { try Self.issue(to: $0, $1) }
        let (follower, followerEnd) = try Self.manager("m2", loop) { _, _ in .redirect(leaderEnd) }
        defer { for listener in [leader, follower] { listener.close() } }
        let before = try TestCertificates.credentials(of: Self.authority, "n1")
        let current = CurrentCredentials(before)
        let nobody = ManagerEndpoint(nodeID: "m9", address: "127.0.0.1:1")
        let next = try await Self.renewal(of: current, from: [nobody, followerEnd], loop).renew()
        #expect(current.value.certificate == next.certificate && next.certificate != before.certificate)
        #expect(next.node == before.node && next.key.pem != before.key.pem && next.roots == before.roots)
    }

    /// Credentials stay as they are where the next ones are not for this node, or not of the cluster's root.
    @Test func whatIsNotItsOwnIsNotTaken() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let answers: [@Sendable (PeerIdentity, [UInt8]) throws -> RenewalAnswer?] = [
            { try Self.issue(to: PeerIdentity(nodeID: "n2", role: $0.role, clusterID: "c1"), $1) },
            { try Self.issue(to: PeerIdentity(nodeID: $0.nodeID, role: .worker, clusterID: "c2"), $1) },
            // A manager that it is no more, from one that does not know yet that it leads no longer.
            { try Self.issue(to: PeerIdentity(nodeID: $0.nodeID, role: .manager, clusterID: "c1"), $1) },
            { try Self.issue(to: $0, $1, by: .make(clusterID: "c1")) },
            { peer, _ in try Self.issue(to: peer, CertificateRequest(signedBy: .generate()).der) },
            { _, _ in .issued(certificate: "nonsense", roots: "nonsense") }, { _, _ in .refused("no") },
            { _, _ in nil },
        ]
        for answer in answers {
            let (listener, manager) = try Self.manager("m1", loop, answer)
            defer { listener.close() }
            let before = try TestCertificates.credentials(of: Self.authority, "n1")
            let current = CurrentCredentials(before)
            await #expect(throws: NoManager.self) {
                try await Self.renewal(of: current, from: [manager], loop).renew()
            }
            #expect(current.value.certificate == before.certificate)
        }
    }

    /// Role and incarnation are the managers' to say; nobody becomes again what he has ceased to be.
    @Test func aNodeFollowsItself() {
        let node = { (role: PeerIdentity.Role, incarnation: UInt32) in
            PeerIdentity(nodeID: "n1", role: role, clusterID: "c1", incarnation: incarnation)
        }
        for (former, next, follows) in [
            (node(.worker, 0), node(.worker, 0), true), (node(.worker, 0), node(.manager, 1), true),
            (node(.worker, 0), node(.manager, 0), false), (node(.manager, 1), node(.manager, 1), true),
            (node(.manager, 1), node(.worker, 1), true), (node(.worker, 1), node(.manager, 1), false),
            (node(.worker, 1), node(.manager, 3), true), (node(.manager, 2), node(.worker, 1), false),
            (node(.manager, 2), node(.manager, 1), false), (node(.manager, 1), node(.manager, 2), true),
        ] {
            #expect(next.follows(former) == follows, "\(former) to \(next)")
        }
        #expect(!PeerIdentity(nodeID: "n2", role: .worker, clusterID: "c1").follows(node(.worker, 0)))
        #expect(!PeerIdentity(nodeID: "n1", role: .worker, clusterID: "c2").follows(node(.worker, 0)))
    }

    @Test func aWorkerTakesWhatMakesItAManager() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let (listener, manager) = try Self.manager("m1", loop) { peer, request in
            try Self.issue(
                to: PeerIdentity(nodeID: peer.nodeID, role: .manager, clusterID: "c1", incarnation: 1), request)
        }
        defer { listener.close() }
        let current = CurrentCredentials(try TestCertificates.credentials(of: Self.authority, "n1"))
        let next = try await Self.renewal(of: current, from: [manager], loop).renew()
        #expect(next.node.role == .manager && next.node.incarnation == 1)
    }

    @Test func leadersThatPointAtEachOtherAreNotFollowedForEver() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let other = Mutex<ManagerEndpoint?>(nil)
        let (one, oneEnd) = try Self.manager("m1", loop) { _, _ in other.withLock { $0 }.map { .redirect($0) } }
        let (two, twoEnd) = try Self.manager("m2", loop) { _, _ in .redirect(oneEnd) }
        defer { for listener in [one, two] { listener.close() } }
        other.withLock { $0 = twoEnd }
        let current = CurrentCredentials(try TestCertificates.credentials(of: Self.authority, "n1"))
        await #expect(throws: NoManager.self) {
            try await Self.renewal(of: current, from: [oneEnd], loop).renew()
        }
    }

    /// One that is due is renewed at once, and again before each next one ends.
    @Test func goesOnByItself() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let (listener, manager) = try Self.manager("m1", loop) { node, request in
            try Self.issue(to: node, request, validity: .seconds(2))
        }
        defer { listener.close() }
        let due = try TestCertificates.credentials(
            of: Self.authority, "n1", validity: .seconds(100), now: WallClock.now() + .seconds(-90))
        let current = CurrentCredentials(due)
        let seen = Mutex<[Certificate]>([])
        let renewal = CertificateRenewal(
            current, links: ClusterLinks(current, loop: loop), managers: { [manager] },
            keep: { next in
                current.replace(by: next)
                seen.withLock { $0.append(next.certificate) }
            })
        let task = Task { await renewal.run() }
        try await eventually { seen.withLock { $0.count } >= 3 }
        task.cancel()
        await task.value
        #expect(Set(seen.withLock { $0 }).count == seen.withLock { $0.count })
    }

    /// The root has lost its key: the certificate stays, the next root is trusted besides.
    @Test func anotherRootIsTrustedWithoutAnotherCertificate() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let next = CertificateAuthority.make(clusterID: "c1")
        let kept = KeptCount()
        let roots = [Self.authority, next].map { String(decoding: $0.root.pem, as: UTF8.self) }
        let (listener, manager) = try Self.manager("m1", loop, kept: kept) { _, _ in .trusted(roots: roots.joined()) }
        let (fraud, fraudulent) = try Self.manager("m2", loop) { _, _ in .trusted(roots: roots[1]) }
        defer { for listener in [listener, fraud] { listener.close() } }
        let before = try TestCertificates.credentials(of: Self.authority, "n1")
        let current = CurrentCredentials(before)
        // Without the root of its own certificate it would be heard by nobody.
        await #expect(throws: NoManager.self) {
            try await Self.renewal(of: current, from: [fraudulent], loop).renew()
        }
        #expect(current.value.roots == [Self.authority.root])
        _ = try await Self.renewal(of: current, from: [manager], loop).renew()
        #expect(current.value.certificate == before.certificate && current.value.key.pem == before.key.pem)
        #expect(current.value.roots == [Self.authority.root, next.root])
        try await eventually { kept.value == 1 }
    }

    /// The roots that come with a certificate are trusted from then on, and the manager hears that it is so.
    @Test func rootsAreTakenOverAndThatIsSaid() async throws {
        let loop = try EventLoop(name: "renewal")
        defer { loop.stop() }
        let next = CertificateAuthority.make(clusterID: "c1")
        let kept = KeptCount()
        let (listener, manager) = try Self.manager("m1", loop, kept: kept) {
            try Self.issue(to: $0, $1, by: next, trusting: [Self.authority, next])
        }
        defer { listener.close() }
        let current = CurrentCredentials(try TestCertificates.credentials(of: Self.authority, "n1"))
        let renewal = Self.renewal(of: current, from: [manager], loop)
        let task = Task { await renewal.run() }
        renewal.renewSoon()
        try await eventually { kept.value == 1 }
        #expect(current.value.issuer == next.root && current.value.roots == [Self.authority.root, next.root])
        task.cancel()
        await task.value
    }
}
