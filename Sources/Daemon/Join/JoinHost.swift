import HTTP
import Model
import Platform
import Raft

/// A manager's end of a join channel: admits a node whose token proved itself in the handshake.
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
        } catch let error as RaftError where error.isOutcomeUnknown {
            // The node may be a voter now, and one that votes must stay: it is left to find out.
            log.warning(
                "whether a node became a voter is not known", ["node": channel.peer.nodeID, "error": "\(error)"])
        } catch {
            log.warning("a node was not admitted", ["node": channel.peer.nodeID, "error": "\(error)"])
            try? await channel.send(sealed: JoinHostMessage.refused(HTTPError(describing: error).message))
        }
    }

    private func admit(_ channel: Channel) async throws {
        let first = try await channel.closing(after: Limits.request, loop) {
            try await channel.receive(sealed: JoinerMessage.self)
        }
        guard case .request(let request)? = first, request.nodeID == channel.peer.nodeID else {
            throw HTTPError(.badRequest, "a join begins with a request of the node that proved itself")
        }
        let timer = loop.schedule(after: Limits.join) { channel.close() }
        defer { timer.cancel() }
        if let leader = try await manager.otherLeader() {
            try await channel.send(sealed: JoinHostMessage.redirect(leader))
            return
        }
        // The role is that of the token which keyed the handshake, never what the node says of itself.
        let role = channel.peer.role.nodeRole
        let answer = try await manager.admit(request, as: role)
        try await channel.send(sealed: JoinHostMessage.admitted(answer))
        guard case .ready? = try await channel.receive(sealed: JoinerMessage.self) else {
            throw HTTPError(.badRequest, "the joining node went away before it was ready")
        }
        if role == .manager { try await manager.addVoter(request.nodeID, at: answer.advertiseAddress) }
        try await channel.send(sealed: JoinHostMessage.complete)
        log.info("node joined", ["node": request.nodeID, "role": role.rawValue, "address": answer.advertiseAddress])
    }
}

extension RaftError {
    /// Whether what was proposed may still come to pass.
    fileprivate var isOutcomeUnknown: Bool { code == .timedOut || code == .stopped }
}
