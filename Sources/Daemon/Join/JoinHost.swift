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
        } catch let error as RaftError where error.isOutcomeUnknown {
            // The node may be a voter now, and one that votes must stay: it is left to find out.
            log.warning("whether a node became a voter is not known", ["error": "\(error)"])
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
        guard case .ready? = try await channel.receive(json: JoinerMessage.self) else {
            throw HTTPError(.badRequest, "the joining node went away before it was ready")
        }
        if node.role == .manager { try await manager.addVoter(node.nodeID, at: request.advertiseAddress) }
        try await channel.send(json: JoinHostMessage.complete)
        log.info("node joined", ["node": node.nodeID, "role": node.role.word, "address": request.advertiseAddress])
    }
}

extension RaftError {
    /// Whether what was proposed may still come to pass.
    fileprivate var isOutcomeUnknown: Bool { code == .timedOut || code == .stopped }
}
