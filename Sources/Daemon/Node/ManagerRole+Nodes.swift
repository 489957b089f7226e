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
        case .raft: return snapshot.get(RemovedNode.self, peer.nodeID).map { _ in removed }
        case .api, .renew:
            guard let node = snapshot.get(Node.self, peer.nodeID) else { return removed }
            return PeerIdentity.Role(node.spec.role) == peer.role ? nil : "the node's role is another one by now"
        case .dispatch, .join: return nil
        }
    }

    private nonisolated static let removed = "the node is not in the cluster (it was removed)"

    /// Lets a node in, with the role of its token, under an id that is drawn for it.
    ///
    /// - Throws: `HTTPError` 403 for a token that lets nobody in, 400 for what else is wrong with the request.
    func admit(_ request: JoinRequest) async throws -> (PeerIdentity, JoinAnswer) {
        let snapshot = store.snapshot
        let role = try CertificatePolicy.role(of: request.token, in: snapshot)
        if let reason = CertificatePolicy.closure(of: snapshot) { throw HTTPError(.serviceUnavailable, reason) }
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
        let certificate = try CertificatePolicy.issue(
            Array(request.certificateRequest), to: node, by: authority, in: snapshot, now: now)
        try await manager.admit(
            Joiner(
                nodeID: node.nodeID, role: role, description: request.description,
                availability: request.availability, address: request.advertiseAddress,
                dataPathAddress: request.dataPathAddress,
                certificate: try NodeCertificate(certificate, trusting: [authority.root])))
        let answer = JoinAnswer(
            certificate: String(decoding: certificate.pem, as: UTF8.self),
            rootCertificate: String(decoding: authority.root.pem, as: UTF8.self), dataPathPort: identity.dataPathPort,
            managers: members.endpoints())
        return (node, answer)
    }

    /// The next certificate of a node that has proved itself with the one before, and the roots that it is to trust (PEM).
    func renew(_ node: PeerIdentity, _ request: [UInt8]) throws -> (Certificate, roots: String) {
        let (snapshot, now) = (store.snapshot, WallClock.now())
        let certificate = try CertificatePolicy.issue(
            request, to: node, by: try CertificatePolicy.authority(in: snapshot, now: now), in: snapshot, now: now)
        return (certificate, try CertificatePolicy.roots(in: snapshot))
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

    /// Counts a joined manager as a voter; waits out other changes of the members.
    ///
    /// - Throws: `HTTPError` 400 where nobody answers at its address: a voter that is not there could cost the quorum.
    func addVoter(_ nodeID: String, at address: String) async throws {
        do {
            try await links.open(.raft, to: address, expecting: nodeID).close()
        } catch {
            throw HTTPError(
                .badRequest,
                "the new manager does not answer at \(address), its advertise address (\(error)): give it an "
                    + "address at which the other managers reach it")
        }
        for _ in 0..<Limits.memberChanges {
            do {
                try await raft.addVoter(Member(id: NodeID(of: nodeID), address: address))
                return
            } catch let error as RaftError where error.code == .changeInProgress {
                try await Task.sleep(for: Limits.memberChangePause)
            }
        }
        throw HTTPError(.serviceUnavailable, "another change of the managers does not end; try again")
    }
}

extension NodeCertificate {
    /// - Throws: `CertificateError` where none of those that are trusted has issued the certificate.
    init(_ certificate: Certificate, trusting roots: [Certificate]) throws(CertificateError) {
        guard let issuer = roots.first(where: certificate.isIssued) else {
            throw .untrusted("none of the roots has issued it")
        }
        self.init(issuer: Digest.base36(issuer.digest), trusted: roots.map { Digest.base36($0.digest) })
    }

    /// What these credentials are.
    init(_ credentials: NodeCredentials) {
        self.init(
            issuer: Digest.base36(credentials.issuer.digest),
            trusted: credentials.roots.map { Digest.base36($0.digest) })
    }
}
