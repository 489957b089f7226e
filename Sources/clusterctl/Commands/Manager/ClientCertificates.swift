import HTTP
import Model
import Platform

/// The clients' certificates that the cluster has issued.
enum ClientCertificates {
    static func list(_ arguments: Arguments, in session: Session) async throws {
        guard arguments.positionals.count == 1 else { throw arguments.usage("'ls' takes no names") }
        let all = try await session.engine.fetch([Fetched<ClientCertificate>].self, ["swarm", "client-certificates"])
        try session.show(listing(all, now: session.now))
    }

    static func listing(_ all: [Fetched<ClientCertificate>], now: Timestamp) -> Listing {
        Listing(
            ["SERIAL": "Serial", "NAME": "Name", "ROLE": "Role", "CREATED": "CreatedAt", "STATE": "State"],
            rows: all.sorted { ($0.value.clientName, $0.value.createdAt) < ($1.value.clientName, $1.value.createdAt) }
                .map { certificate in
                    let value = certificate.value
                    let state =
                        value.revokedAt.map { "taken back " + DurationText.ago($0, now: now) }
                        ?? "ends in " + DurationText.human(value.expiresAt - now)
                    return .init(
                        cells: [
                            value.id, value.clientName, value.role, DurationText.ago(value.createdAt, now: now), state,
                        ], object: certificate.raw, id: value.id)
                })
    }

    static func revoke(_ arguments: Arguments, in session: Session) async throws {
        let words = Array(arguments.positionals.dropFirst())
        guard !words.isEmpty else { throw arguments.usage("'revoke' wants serial numbers or names") }
        try await session.forEach(words) { word in
            let answer = try await session.engine.fetch(
                ClientCertificateRevocation.self, ["swarm", "client-certificates", word, "revoke"],
                query: arguments.flag("force") ? [("force", "1")] : [], method: .post)
            for serial in answer.serials { session.console.line(serial) }
        }
    }
}
