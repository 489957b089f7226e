import TestSupport
import Testing

@testable import Platform

@Suite struct ClientIdentityTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private func issue(
        _ name: String, _ role: ClientIdentity.Role, by authority: CertificateAuthority = authority,
        key: PrivateKey = .generate()
    ) throws -> Certificate {
        try authority.issue(
            CertificateRequest(signedBy: key), to: try #require(ClientIdentity(name: name, role: role)), of: "c1",
            validity: .seconds(3600))
    }

    @Test(arguments: ClientIdentity.Role.allCases) func aCertificateSaysWhoAndWhat(role: ClientIdentity.Role) throws {
        let certificate = try issue("jane@example.com", role)
        #expect(certificate.client == ClientIdentity(name: "jane@example.com", role: role))
        #expect(certificate.organization == "c1")
        #expect(certificate.node == nil, "a client is no node")
        try certificate.verify(against: Self.authority.root, for: .client)
        #expect(throws: CertificateError.self) {
            try certificate.verify(against: Self.authority.root, for: .server)
        }
        #expect(throws: CertificateError.self) {
            try NodeCredentials(key: .generate(), certificate: certificate, roots: [Self.authority.root])
        }
    }

    @Test func aNodeIsNoClient() throws {
        for role in [PeerIdentity.Role.worker, .manager] {
            #expect(try TestCertificates.credentials(of: Self.authority, "n1", role).certificate.client == nil)
        }
        let server = try Self.authority.issueServer(
            for: .generate(), name: "host1", of: "c1", places: ["127.0.0.1", "host1", "a,IP:192.0.2.1", "", "x y"])
        #expect(server.client == nil && server.node == nil)
        try server.verify(against: Self.authority.root, for: .server)
        #expect(throws: CertificateError.self) { try server.verify(against: Self.authority.root, for: .client) }
    }

    @Test(arguments: ["", "a b", "a\nb", "é", String(repeating: "a", count: 65)])
    func namesThatAreNone(name: String) { #expect(ClientIdentity(name: name, role: .admin) == nil) }

    // MARK: Over TLS

    /// What each end got, and the first byte that the client read.
    private func meet(
        client: TLSContext, server: TLSContext
    ) async throws -> (client: Result<TLSStream, any Error>, server: Result<TLSStream, any Error>) {
        let loop = try EventLoop(name: "tls")
        defer { loop.stop() }
        return try await TLSPair.attempt(client, server, on: loop)
    }

    private func server(
        places: [String] = ["127.0.0.1"], by authority: CertificateAuthority = authority,
        clients: CertificateAuthority = authority
    ) throws -> TLSContext {
        let key = PrivateKey.generate()
        let certificate = try authority.issueServer(for: key, name: "host1", of: "c1", places: places)
        return try .apiServer(key: key, chain: [certificate], clientRoots: [clients.root])
    }

    private func client(
        _ authority: CertificateAuthority? = authority, trusting: CertificateAuthority = authority,
        address: String = "127.0.0.1"
    ) throws -> TLSContext {
        let key = PrivateKey.generate()
        let identity = try authority.map { (key: key, chain: [try issue("jane", .admin, by: $0, key: key)]) }
        return try .apiClient(identity: identity, roots: [trusting.root], address: address)
    }

    @Test func aClientIsKnownByItsCertificate() async throws {
        let ends = try await meet(client: try client(), server: try server())
        #expect(try ends.server.get().peer?.client?.name == "jane")
        #expect(try ends.client.get().version == "TLSv1.3")
        let nameless = try await meet(client: try client(nil), server: try server())
        #expect(try nameless.server.get().peer == nil)
    }

    @Test func whoIsNotOfTheRootIsRefused() async throws {
        let other = CertificateAuthority.make(clusterID: "c1")
        let stranger = try await meet(client: try client(other), server: try server())
        #expect(throws: TLSError.self) { try stranger.server.get() }
        let impostor = try await meet(client: try client(), server: try server(by: other))
        #expect(throws: TLSError.self) { try impostor.client.get() }
    }

    @Test func theServerMustBeWhereItIsLookedFor() async throws {
        let elsewhere = try await meet(client: try client(), server: try server(places: ["192.0.2.1", "localhost"]))
        #expect(throws: TLSError.self) { try elsewhere.client.get() }
        // A worker's certificate, or a client's, makes no manager's API.
        let worker = try TestCertificates.credentials(of: Self.authority, "n1")
        let posing = try await meet(client: try client(), server: .server(worker))
        #expect(throws: TLSError.self) { try posing.client.get() }
        let key = PrivateKey.generate()
        let jane = try issue("jane", .admin, key: key)
        let client = try await meet(
            client: try client(), server: .apiServer(key: key, chain: [jane], clientRoots: [Self.authority.root]))
        #expect(throws: TLSError.self) { try client.client.get() }
    }

    @Test func whatDoesNotBelongTogetherIsNotUsed() throws {
        let certificate = try issue("jane", .admin)
        #expect(throws: CertificateError.self) {
            try TLSContext.apiServer(key: .generate(), chain: [certificate], clientRoots: [Self.authority.root])
        }
        #expect(throws: CertificateError.self) {
            try TLSContext.apiServer(key: .generate(), chain: [], clientRoots: [])
        }
        #expect(throws: CertificateError.self) {
            try TLSContext.apiClient(identity: nil, roots: [], address: "127.0.0.1")
        }
        #expect(throws: CertificateError.self) {
            try TLSContext.apiClient(identity: nil, roots: [Self.authority.root], address: "nowhere")
        }
    }
}
