import FoundationEssentials
import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct ClientCertificateRoutesTests {
    private static let authority = CertificateAuthority.make(clusterID: "cluster", now: start)

    private func found(_ api: TestAPI) async throws {
        try await api.cluster.write { tx in
            try tx.put(
                ClusterSecrets(
                    id: "cluster", createdAt: start, joinTokens: JoinTokens(worker: "w", manager: "m"),
                    rootCertificate: String(decoding: Self.authority.root.pem, as: UTF8.self),
                    rootKey: String(decoding: Self.authority.key.pem, as: UTF8.self)))
        }
    }

    private func ask(_ api: TestAPI, _ wish: ClientCertificateRequest) async throws -> TestAPI.Answer {
        try await api.call(
            .post, "/swarm/client-certificate", String(decoding: try HTTPJSON.encode(wish), as: UTF8.self))
    }

    @Test func aClientGetsACertificateForItsOwnKey() async throws {
        try await TestAPI.run { api in
            let request = Base64Bytes(CertificateRequest(signedBy: .generate()).der)
            #expect(try await ask(api, .init(name: "jane", role: "admin", request: request)).status == 503)
            try await found(api)
            let answer = try await ask(
                api, .init(name: "jane", role: "read-only", request: request, validity: 3_600_000_000_000))
            #expect(answer.status == 200, "\(answer.text)")
            let got = try answer.decode(ClientCertificateAnswer.self)
            let certificate = try Certificate(pem: Array(got.certificate.utf8))
            #expect(certificate.client == ClientIdentity(name: "jane", role: .readOnly))
            #expect(certificate.organization == "cluster")
            #expect(certificate.notAfter == start + .seconds(3600))
            #expect(certificate.isIssued(by: try Certificate(pem: Array(got.roots.utf8))))
            #expect(!answer.text.contains("PRIVATE"))
        }
    }

    @Test func whatIsNoWishIsRefused() async throws {
        try await TestAPI.run { api in
            try await found(api)
            let good = Base64Bytes(CertificateRequest(signedBy: .generate()).der)
            var damaged = good
            damaged.bytes[damaged.bytes.count - 1] ^= 1
            let wishes: [ClientCertificateRequest] = [
                .init(name: "jane", role: "manager", request: good), .init(name: "jane", role: "", request: good),
                .init(name: "", role: "admin", request: good), .init(name: "a b", role: "admin", request: good),
                .init(name: "a\u{0}b", role: "admin", request: good),
                .init(name: String(repeating: "a", count: 65), role: "admin", request: good),
                .init(name: "jane", role: "admin", request: Base64Bytes([])),
                .init(name: "jane", role: "admin", request: Base64Bytes([UInt8](repeating: 48, count: 10_000))),
                .init(name: "jane", role: "admin", request: damaged),
                .init(name: "jane", role: "admin", request: good, validity: 1),
                .init(name: "jane", role: "admin", request: good, validity: -1),
                .init(name: "jane", role: "admin", request: good, validity: .max),
            ]
            for wish in wishes {
                let answer = try await ask(api, wish)
                #expect(answer.status == 400, "\(wish): \(answer.text)")
            }
            #expect(try await api.call(.post, "/swarm/client-certificate", "{").status == 400)
            #expect(try await api.get("/swarm/client-certificate").status == 405)
        }
    }

    @Test func whatWasIssuedIsTakenBack() async throws {
        try await TestAPI.run { api in
            try await found(api)
            api.cluster.members.set(level: CommandLevel.current)
            func issue(_ name: String) async throws -> String {
                let request = Base64Bytes(CertificateRequest(signedBy: .generate()).der)
                let answer = try await ask(api, .init(name: name, role: "admin", request: request))
                try #require(answer.status == 200, "\(answer.text)")
                return try Certificate(pem: Array(answer.decode(ClientCertificateAnswer.self).certificate.utf8)).serial
            }
            func revoke(_ reference: String, force: Bool = false) async throws -> TestAPI.Answer {
                try await api.call(
                    .post, "/swarm/client-certificates/\(reference)/revoke", query: force ? [("force", "1")] : [])
            }
            let (first, second, rob) = (try await issue("jane"), try await issue("jane"), try await issue("rob"))
            let all = try await api.get("/swarm/client-certificates").decode([ClientCertificate].self)
            #expect(Set(all.map(\.id)) == [first, second, rob] && all.allSatisfy { $0.revokedAt == nil })
            let capitals = rob.uppercased()
            #expect(try await revoke(capitals).decode(ClientCertificateRevocation.self).serials == [rob])
            let both = try await revoke("jane").decode(ClientCertificateRevocation.self).serials
            #expect(Set(both) == [first, second])
            #expect(try await revoke(String(first.prefix(10))).status == 200, "once more is no error")
            for unknown in ["nobody", "00ff00ff", "00", String(repeating: "a", count: 5_000), "%00"] {
                let status = try await revoke(unknown).status
                #expect(status == 404 || (unknown == "%00" && status == 400))
            }
            #expect(try await revoke("not-hex", force: true).status == 404)
            let forced = try await revoke("0A:ff:10", force: true)
            #expect(try forced.decode(ClientCertificateRevocation.self).serials == ["0aff10"])
            #expect(api.cluster.snapshot.all(ClientCertificate.self).allSatisfy { $0.revokedAt == start })
        }
    }

    @Test func whatCountsForNothingAnywayIsForgotten() async throws {
        try await TestAPI.run { api in
            try await found(api)
            let issuer = Digest.base36(Self.authority.root.digest)
            for (id, issuer, end) in [("aa", issuer, -1), ("bb", "another", 60), ("cc", issuer, 60)] {
                try await api.cluster.write { tx in
                    try tx.put(
                        ClientCertificate(
                            id: id, createdAt: start, name: "x", role: "admin", issuer: issuer,
                            expiresAt: start + .seconds(end), revokedAt: start))
                }
            }
            let shown = try await api.get("/swarm/client-certificates").decode([ClientCertificate].self)
            #expect(shown.map(\.id) == ["cc"])
            #expect(try await api.call(.post, "/swarm/client-certificates/cc/revoke").status == 200)
            #expect(api.cluster.snapshot.all(ClientCertificate.self).map(\.id) == ["cc"])
        }
    }
}
