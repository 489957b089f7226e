import Foundation
import HTTP
import Platform

/// A manager's end of a renewal: gives a node, as its certificate names it, the next one.
struct RenewalHost: Sendable {
    let manager: ManagerRole
    let loop: EventLoop
    private let log = Logger("renewal")

    enum Limits {
        static let request: Duration = .seconds(10)
    }

    init(manager: ManagerRole, loop: EventLoop) {
        self.manager = manager
        self.loop = loop
    }

    func serve(_ channel: Channel) async {
        do {
            let first = try await channel.closing(after: Limits.request, loop) {
                try await channel.receive(json: RenewalMessage.self)
            }
            guard case .request(let request)? = first else { return }
            if let leader = try await manager.otherLeader() {
                return try await channel.send(json: RenewalAnswer.redirect(leader))
            }
            let (certificate, roots) = try await manager.renew(channel.peer.nodeID, Array(request))
            let kept = try await channel.closing(after: Limits.request, loop) {
                let answer =
                    if let certificate {
                        RenewalAnswer.issued(
                            certificate: String(decoding: certificate.pem, as: UTF8.self), roots: roots)
                    } else { RenewalAnswer.trusted(roots: roots) }
                try await channel.send(json: answer)
                return try await channel.receive(json: RenewalMessage.self)
            }
            guard case .kept? = kept, let used = certificate ?? channel.certificate else { return }
            log.info("certificate renewed", ["node": channel.peer.nodeID, "until": used.notAfter])
            try await manager.note(used, roots: roots, of: channel.peer)
        } catch {
            log.warning("a certificate was not renewed", ["node": channel.peer.nodeID, "error": "\(error)"])
            try? await channel.send(json: RenewalAnswer.refused(HTTPError(describing: error).message))
        }
    }
}
