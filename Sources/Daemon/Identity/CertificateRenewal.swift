import FoundationEssentials
import Model
import Platform

/// Has a node's certificate followed by another before it ends, as long as the node is a member.
struct CertificateRenewal: Sendable {
    let credentials: CurrentCredentials
    let links: ClusterLinks
    /// Whom to ask, the leader first where it is known.
    let managers: @Sendable () async -> [ManagerEndpoint]
    /// Writes the next credentials down, then has them used.
    let keep: @Sendable (NodeCredentials) async throws -> Void
    /// Has the node ask at once.
    private let signal = Signal()
    private let log = Logger("certificate")

    enum Limits {
        /// For a manager's answer.
        static let answer: Duration = .seconds(10)
        /// A request may be sent on to the leader this often.
        static let redirects = 4
    }

    init(
        _ credentials: CurrentCredentials, links: ClusterLinks,
        managers: @escaping @Sendable () async -> [ManagerEndpoint],
        keep: @escaping @Sendable (NodeCredentials) async throws -> Void
    ) {
        self.credentials = credentials
        self.links = links
        self.managers = managers
        self.keep = keep
    }

    /// The managers say that there is something else to be used.
    func renewSoon() { signal.wake() }

    /// Until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await keepFresh() }
            group.addTask {
                for await _ in signal.wakes {
                    do {
                        let next = try await renew()
                        log.info("renewed, as the managers asked", ["until": next.certificate.notAfter])
                    } catch {
                        // They ask again.
                        log.warning("not renewed, as the managers asked", ["error": "\(error)"])
                    }
                }
            }
            await group.waitForAll()
        }
    }

    private func keepFresh() async {
        var schedule = RenewalSchedule(for: credentials.value.certificate, jitter: .random(in: 0...1))
        var known = credentials.value.certificate
        var failures = 0
        while !Task.isCancelled {
            if credentials.value.certificate != known {
                known = credentials.value.certificate
                schedule = RenewalSchedule(for: known, jitter: .random(in: 0...1))
            }
            let wait = schedule.wait(at: WallClock.now(), failures: failures)
            if wait > .zero { try? await Task.sleep(for: wait) }
            guard !Task.isCancelled, failures > 0 || schedule.due <= WallClock.now() else { continue }
            do {
                let next = try await renew()
                failures = 0
                log.info("renewed", ["until": next.certificate.notAfter])
            } catch {
                failures += 1
                if let advice = credentials.value.adviceOnceEnded {
                    log.error("not renewed", ["next": advice, "error": "\(error)"])
                } else {
                    log.warning(
                        "not renewed", ["until": credentials.value.certificate.notAfter, "error": "\(error)"])
                }
            }
        }
    }

    /// Asks the managers one after the other; a new key each time.
    func renew() async throws -> NodeCredentials {
        var reasons: [String] = []
        for manager in await managers() {
            do {
                return try await ask(manager)
            } catch {
                reasons.append("\(manager.address): \(error)")
            }
        }
        throw NoManager(reasons: reasons)
    }

    private func ask(_ manager: ManagerEndpoint) async throws -> NodeCredentials {
        let key = PrivateKey.generate()
        let request = RenewalMessage.request(Data(CertificateRequest(signedBy: key).der))
        var target = manager
        for _ in 0..<Limits.redirects {
            let channel = try await links.open(.renew, to: target.address, expecting: target.nodeID)
            defer { channel.close() }
            let answer = try await channel.closing(after: Limits.answer, links.loop) {
                try await channel.send(json: request)
                return try await channel.receive(json: RenewalAnswer.self)
            }
            switch answer {
            case .redirect(let leader): target = leader
            case .refused(let reason): throw ChannelError.refused(Terminal.harmless(reason))
            case .issued(let certificate, let roots):
                let next = try NodeCredentials(
                    key: key, certificate: Certificate(pem: [UInt8](certificate.utf8)),
                    roots: Certificate.all(pem: [UInt8](roots.utf8)))
                return try await take(next, over: channel)
            case .trusted(let roots):
                let current = credentials.value
                let next = try NodeCredentials(
                    key: current.key, certificate: current.certificate,
                    roots: Certificate.all(pem: [UInt8](roots.utf8)))
                return try await take(next, over: channel)
            case nil: throw ChannelError.truncated
            }
        }
        throw ChannelError.refused("sent from manager to manager: the cluster has no steady leader")
    }

    private func take(_ next: NodeCredentials, over channel: Channel) async throws -> NodeCredentials {
        let current = credentials.value.node
        guard next.node.follows(current) else {
            throw CertificateError.untrusted("it is that of \(next.node), and this is \(current)")
        }
        try await keep(next)
        // Where this is lost the manager asks again.
        try? await channel.send(json: RenewalMessage.kept)
        try? await channel.closing(after: Limits.answer, links.loop) {
            // Until the manager has noted it, or is gone.
            _ = try await channel.receive(json: RenewalAnswer.self)
        }
        return next
    }
}

extension PeerIdentity {
    /// Whether a node that is `former` may become this: another role, but never a manager that it has ceased to be, whose log and
    /// votes it does not have any more. A manager that does not know yet that it leads no longer would make it one.
    func follows(_ former: PeerIdentity) -> Bool {
        guard nodeID == former.nodeID, clusterID == former.clusterID else { return false }
        return incarnation > former.incarnation
            || (incarnation == former.incarnation && (role == .worker || former.role == .manager))
    }
}

extension NodeCredentials {
    /// What is to be done where the certificate has ended, or is not valid yet; nil while it is good.
    var adviceOnceEnded: String? {
        let now = WallClock.now()
        if now < certificate.notBefore {
            return
                "this node's certificate is valid from \(certificate.notBefore) on, and this host's clock says \(now): set the "
                + "clock, nothing else is needed"
        }
        guard certificate.notAfter <= now else { return nil }
        return
            "this node's certificate ended at \(certificate.notAfter), and the managers hear it no more: let it leave, and "
            + "join again (clusterctl leave --force; clusterctl join). This host's clock says \(now): where that is wrong, set it "
            + "instead"
    }
}
