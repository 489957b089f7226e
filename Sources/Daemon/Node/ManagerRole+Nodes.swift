import Foundation
import HTTP
import Manager
import Model
import Platform
import Raft
import Store

/// Other nodes: who may come, and what makes them members.
extension ManagerRole {
    /// Why a node may not connect although its certificate is good: a certificate outlives its node's removal, so the state has
    /// the last word. Who is no member is not heeded by Raft, and only who is known to be removed is refused: this manager's state
    /// may be too old to know the sender. A removed node's agent is told so by the dispatcher, and ends its tasks.
    nonisolated static func objection(
        to peer: PeerIdentity, for purpose: ChannelPurpose, _ store: Store
    ) -> String? {
        let snapshot = store.snapshot
        switch purpose {
        case .raft:
            if snapshot.get(RemovedNode.self, peer.nodeID) != nil { return removed }
            guard let node = snapshot.get(Node.self, peer.nodeID) else { return nil }
            return node.isManager(incarnation: peer.incarnation) ? nil : demoted
        case .api:
            guard let node = snapshot.get(Node.self, peer.nodeID) else { return removed }
            return node.isManager(incarnation: peer.incarnation) ? nil : demoted
        // What it was is good for learning what it is.
        case .renew: return snapshot.get(Node.self, peer.nodeID) == nil ? removed : nil
        case .dispatch, .join: return nil
        }
    }

    private nonisolated static let removed = "the node is not in the cluster (it was removed)"
    private nonisolated static let demoted = "the node is no manager any more (it was demoted)"

    /// Another manager's messages, on Raft's own thread.
    nonisolated static func receive(
        from channel: Channel, for raft: RaftNode, _ discovery: DiscoveryMember?, _ log: Logger
    ) async {
        do {
            try channel.stream.move(to: raft.loop)
            var count = 0
            while let bytes = try await channel.receiveBytes() {
                // One who sends without end must not keep the thread to itself.
                count += 1
                if count.isMultiple(of: 64) { await Task.yield() }
                let message = try Message(decoding: bytes, sentBy: channel.peer)
                discovery?.heard(of: message.from)
                raft.receive(message)
            }
        } catch {
            log.debug("a member's connection ended", ["member": channel.peer.nodeID, "error": "\(error)"])
        }
    }

    /// Lets a node in, with the role of its token, under an id that is drawn for it.
    ///
    /// - Throws: `HTTPError` 403 for a token that lets nobody in, 400 for what else is wrong with the request.
    func admit(_ request: JoinRequest) async throws -> (PeerIdentity, JoinAnswer) {
        let snapshot = store.snapshot
        let role = try CertificatePolicy.role(of: request.token, in: snapshot)
        guard case .ipv4(let address, let port)? = SocketAddress.parse(request.advertiseAddress), address != .any,
            port != 0, let dataPath = IPv4Address(request.dataPathAddress), dataPath != .any
        else {
            throw HTTPError(
                .badRequest,
                "the node must be reached by IPv4 addresses, not \(request.advertiseAddress), \(request.dataPathAddress)"
            )
        }
        guard try HTTPJSON.encode(request.description).count <= Limits.descriptionBytes else {
            throw HTTPError(.badRequest, "the node says more than \(Limits.descriptionBytes) bytes of itself")
        }
        let node = PeerIdentity(
            nodeID: Identifier.random(), role: PeerIdentity.Role(role), clusterID: identity.clusterID)
        let now = WallClock.now()
        let authority = try CertificatePolicy.authority(in: snapshot, now: now)
        // More than one while the root is being changed; the token names the one that issues.
        let roots = try CertificatePolicy.roots(in: snapshot)
        let certificate = try CertificatePolicy.issue(
            Array(request.certificateRequest), to: node, by: authority, in: snapshot, now: now)
        try await manager.admit(
            Joiner(
                nodeID: node.nodeID, role: role, description: request.description,
                availability: request.availability, address: request.advertiseAddress,
                dataPathAddress: request.dataPathAddress,
                certificate: try NodeCertificate(certificate, trusting: try Certificate.all(pem: [UInt8](roots.utf8)))))
        let answer = JoinAnswer(
            certificate: String(decoding: certificate.pem, as: UTF8.self),
            rootCertificate: String(decoding: authority.root.pem, as: UTF8.self), roots: roots,
            dataPathPort: identity.dataPathPort, managers: members.endpoints())
        return (node, answer)
    }

    /// The next certificate of a node that has proved itself with the one before, and the roots that it is to trust (PEM). What the
    /// node is now is the state's to say. No certificate where the cluster's root has lost its key: until all trust the next root, each
    /// keeps the one that it has.
    func renew(_ nodeID: String, _ request: [UInt8]) throws -> (Certificate?, roots: String) {
        let (snapshot, now) = (store.snapshot, WallClock.now())
        guard let node = CertificatePolicy.identity(of: nodeID, clusterID: identity.clusterID, in: snapshot) else {
            throw HTTPError(.forbidden, Self.removed)
        }
        let roots = try CertificatePolicy.roots(in: snapshot)
        let authority: CertificateAuthority
        do {
            authority = try CertificatePolicy.authority(in: snapshot, now: now)
        } catch  where CertificatePolicy.isSpreadingTrust(snapshot) {
            return (nil, roots)
        }
        return (try CertificatePolicy.issue(request, to: node, by: authority, in: snapshot, now: now), roots)
    }

    /// The node uses it.
    func note(_ certificate: Certificate, roots: String, of node: PeerIdentity) async throws {
        let record = try NodeCertificate(certificate, trusting: try Certificate.all(pem: [UInt8](roots.utf8)))
        try await manager.note(record, of: node.nodeID)
    }

    /// Ends connections whose certificates are of no root that is trusted any more; their nodes come again with others.
    func close(besides roots: [Certificate]) {
        for channel in channels.values.flatMap(\.values) {
            if let certificate = channel.certificate, !roots.contains(where: certificate.isIssued) { channel.close() }
        }
    }

    /// Takes back what a join that failed has left: the node is none of the cluster's, and its certificate is worth nothing.
    func giveBack(_ node: PeerIdentity) async throws {
        try await manager.forget(nodes: [node.nodeID])
        if node.role == .manager { try await members.removeMember(place: NodeID(of: node).value) }
    }
}

extension NodeCertificate {
    /// - Throws: `CertificateError` where none of those that are trusted has issued the certificate.
    init(_ certificate: Certificate, trusting roots: [Certificate]) throws(CertificateError) {
        guard let issuer = roots.first(where: certificate.isIssued) else {
            throw .untrusted("none of the roots has issued it")
        }
        self.init(certificate, of: issuer, trusting: roots)
    }

    /// What these credentials are.
    init(_ credentials: NodeCredentials) {
        self.init(credentials.certificate, of: credentials.issuer, trusting: credentials.roots)
    }

    private init(_ certificate: Certificate, of issuer: Certificate, trusting roots: [Certificate]) {
        let node = certificate.node
        self.init(
            issuer: Digest.base36(issuer.digest), trusted: roots.map { Digest.base36($0.digest) },
            role: node?.role == .manager ? .manager : .worker,
            incarnation: node?.incarnation == 0 ? nil : node?.incarnation)
    }
}
