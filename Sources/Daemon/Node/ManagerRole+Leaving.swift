import HTTP
import Manager
import Model
import Platform
import Raft
import Store

/// How a manager ceases to be one by itself, and what it says of the cluster meanwhile.
extension ManagerRole {
    /// Why a manager does not leave without force, as Docker words it.
    func leavingNeedsForce() -> HTTPError {
        let status = raft.status
        let managers = status.configuration.voters.count
        var text =
            "You are attempting to leave the swarm on a node that is participating as a manager. "
        if managers <= 1 {
            text +=
                "Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message."
        } else {
            text +=
                "Removing this node leaves \(managers - 1) managers out of \(managers). Demote it first, or use `--force` to "
                + "suppress this message: it is then demoted where the others keep their quorum."
        }
        return HTTPError(.serviceUnavailable, text)
    }

    /// Whether nobody is left to take note of its going.
    nonisolated var isAlone: Bool { raft.status.configuration.voters.count <= 1 }

    /// Asks the leader, which may be this one, to make this node a worker.
    ///
    /// - Throws: `HTTPError` where it is refused, or nobody leads.
    func askToBeWorker() async throws {
        let path = "/nodes/\(identity.nodeID)"
        let node = try HTTPJSON.decode(Node.self, from: try await callLeader(HTTPRequest(.get, path)))
        var spec = node.spec
        spec.role = .worker
        _ = try await callLeader(
            HTTPRequest(
                .post, path + "/update", query: [("version", "\(node.version.index)")],
                body: HTTPBody(try HTTPJSON.encode(spec))))
    }

    private func callLeader(_ request: HTTPRequest) async throws -> [UInt8] {
        let response: HTTPResponse
        switch authority() {
        case .here(let router): response = try await router.respond(to: request)
        case .leader(let client): response = try await client.send(request)
        case .unknown: throw HTTPError(.serviceUnavailable, "no manager leads")
        }
        let body = try await response.body.collect(upTo: HTTPJSON.defaultLimit)
        guard response.status.code < 300 else {
            throw HTTPError(response.status, String(decoding: body.prefix(1024), as: UTF8.self))
        }
        return body
    }

    /// Adds what a manager knows to `/info`.
    func describe(_ info: inout SystemInfo.Swarm) {
        let snapshot = store.snapshot
        info.nodes = snapshot.all(Node.self).count
        info.managers = raft.status.configuration.voters.count
        info.cluster = snapshot.all(Cluster.self).first
        info.cluster?.spec.raft = members.consensus
        info.remoteManagers = members.endpoints().map { .init(nodeID: $0.nodeID, address: $0.address) }
        if let advice = CertificatePolicy.rootAdvice(in: snapshot, now: WallClock.now()) { info.error = advice }
        if raft.status.leader == nil {
            info.error = "The swarm does not have a leader. It's possible that too few managers are online."
        }
        if let failure = raft.status.failure { info.error = "\(failure)" }
        if let divergence = raft.status.divergence {
            info.error = "This manager's state differs from the others' (\(divergence)) and is being replaced."
        }
    }
}
