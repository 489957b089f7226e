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
}
