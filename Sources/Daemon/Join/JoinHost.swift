import HTTP
import Model
import Platform
import Raft

/// A manager's end of a join channel: admits a node that shows a token, and gives it the certificate that it asks for.
struct JoinHost: Sendable {
    private let manager: ManagerRole
    private let loop: EventLoop
    private let log = Logger("join")

    enum Limits {
        /// From the handshake to the node's request.
        static let request: Duration = .seconds(10)
        /// From there to the end, the node's own beginning included.
        static let join: Duration = .seconds(60)
    }

    init(manager: ManagerRole, loop: EventLoop) {
        self.manager = manager
        self.loop = loop
    }

    func serve(_ channel: Channel) async {
        do {
            try await admit(channel)
        } catch {
            log.warning("a node was not admitted", ["error": "\(error)"])
            try? await channel.send(json: JoinHostMessage.refused(HTTPError(describing: error).message))
        }
    }

    private func admit(_ channel: Channel) async throws {
        let first = try await channel.closing(after: Limits.request, loop) {
            try await channel.receive(json: JoinerMessage.self)
        }
        guard case .request(let request)? = first else {
            throw HTTPError(.badRequest, "a join begins with a request")
        }
        let timer = loop.schedule(after: Limits.join) { channel.close() }
        defer { timer.cancel() }
        if let leader = try await manager.otherLeader() {
            try await channel.send(json: JoinHostMessage.redirect(leader))
            return
        }
        // The id is drawn here and the role is that of the token, never what the node says of itself.
        let (node, answer) = try await manager.admit(request)
        try await channel.send(json: JoinHostMessage.admitted(answer))
        switch try await channel.receive(json: JoinerMessage.self) {
        case .ready: break
        case .gaveUp(let reason):
            try await manager.giveBack(node)
            return log.warning(
                "a node could not take up its part",
                ["node": node.nodeID, "error": Terminal.harmless(String(reason.prefix(500)))])
        case .request, nil:
            // It may have written down who it is: where it never registers, it is forgotten (`RoleLoop`).
            throw HTTPError(.badRequest, "the joining node went away before it was ready")
        }
        if node.role == .manager {
            guard try await addMember(node, at: request.advertiseAddress) else { return }
        }
        try await channel.send(json: JoinHostMessage.complete)
        log.info("node joined", ["node": node.nodeID, "role": node.role.word, "address": request.advertiseAddress])
    }

    /// False where it is not known yet whether the node votes: it is a member then, and whoever leads goes on until it does.
    private func addMember(_ node: PeerIdentity, at address: String) async throws -> Bool {
        do {
            try await manager.members.addMember(nodeID: node.nodeID, incarnation: 0, address: address)
            return true
        } catch let error as RaftError where error.leavesItOpen {
            log.warning("whether a node became a voter is not known", ["node": node.nodeID, "error": "\(error)"])
            return false
        } catch {
            // It is told only once that is so: what was let in and does not come would stay for ever.
            do {
                try await manager.giveBack(node)
            } catch let failure {
                log.warning("a node is still let in", ["node": node.nodeID, "error": "\(failure)"])
                return false
            }
            throw error
        }
    }
}

extension RaftError {
    /// Whether what was asked may still come to pass, by this leader or the next.
    fileprivate var leavesItOpen: Bool {
        switch code {
        case .timedOut, .stopped, .notLeader, .droppedByNewLeader, .changeInProgress: true
        default: false
        }
    }
}
