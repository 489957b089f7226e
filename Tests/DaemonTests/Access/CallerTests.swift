import HTTP
import Model
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import Daemon

@Suite struct CallerTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    private func certificate(_ role: ClientIdentity.Role) throws -> Certificate {
        try Self.authority.issue(
            CertificateRequest(signedBy: .generate()), to: try #require(ClientIdentity(name: "jane", role: role)),
            of: "c1", validity: .seconds(3600))
    }

    @Test func whoMayWhat() throws {
        #expect(try Caller(HTTPPeer(entrance: .local(user: 0))).right == .all)
        #expect(try Caller(HTTPPeer(entrance: .open)).right == .all)
        #expect(try Caller(HTTPPeer(nodeID: "n1", role: "manager")).right == .all)
        #expect(try Caller(HTTPPeer(entrance: .secured(certificate(.admin)))).right == .all)
        #expect(try Caller(HTTPPeer(entrance: .secured(certificate(.readOnly)))).right == .read)
        #expect("\(try Caller(HTTPPeer(entrance: .secured(certificate(.admin)))))" == "jane (admin)")
    }

    @Test func whoIsNobodyIsRefused() throws {
        let node = try TestCertificates.credentials(of: Self.authority, "n1", .manager).certificate
        let refused: [(HTTPPeer, HTTPStatus)] = [
            (HTTPPeer(), .unauthorized), (HTTPPeer(entrance: .secured(nil)), .unauthorized),
            (HTTPPeer(entrance: .secured(node)), .forbidden),
            (HTTPPeer(entrance: .secured(nil), nodeID: "n1", role: "manager"), .unauthorized),
        ]
        for (peer, status) in refused {
            let error = #expect(throws: HTTPError.self) { try Caller(peer) }
            #expect(error?.status == status)
        }
    }

    static let allowed: [(HTTPMethod, String)] = [
        (.get, "/_ping"), (.head, "/_ping"), (.get, "/v1.41/_ping"), (.get, "/info"), (.get, "/v1.41/services"),
        (.get, "/v1.41/services/web"), (.get, "/v1.41/services/web/logs"), (.get, "/v1.47/tasks/x/logs"),
        (.get, "/nodes"), (.get, "/networks/a"), (.get, "/configs"), (.get, "/configs/nginx"),
        (.get, "/containers/json"),
        (.get, "/containers/abc/logs"), (.get, "/images/json"), (.get, "/images/team/web:1/json"), (.get, "/v1/kv/a/b"),
        (.get, "/v1/status/leader"), (.get, "/v1/session/list"),
    ]

    @Test(arguments: allowed) func whoMayLook(method: HTTPMethod, path: String) {
        #expect(ReadOnlyCalls.contain(method, path))
    }

    static let forbidden: [(HTTPMethod, String)] = [
        (.post, "/services/create"), (.delete, "/services/web"), (.put, "/services"),
        (.post, "/v1.41/services/web/update"),
        (.get, "/secrets"), (.get, "/v1.41/secrets/db"), (.get, "/swarm"), (.get, "/v1.41/swarm"),
        (.get, "/swarm/unlockkey"), (.get, "/swarm/backup"), (.post, "/swarm/client-certificate"),
        (.get, "/exec/x/json"), (.post, "/containers/x/exec"), (.get, "/containers/x/attach/ws"),
        (.post, "/containers/x/attach"), (.get, "/containers/x/archive"), (.head, "/containers/x/archive"),
        (.get, "/containers/x/export"), (.get, "/images/get"), (.get, "/images/web/get"), (.put, "/v1/kv/a"),
        (.delete, "/v1/kv/a"), (.put, "/v1/txn"), (.put, "/v1/session/create"), (.put, "/v1/session/renew/x"),
        (.get, "/v1/session/create"), (.get, "/v1/operator/kv/compact"),
        (.get, "/services/../secrets"), (.get, "//secrets"), (.get, "/v1.41//secrets"), (.get, "/%73ecrets"),
        (.get, "/v1.41/v1.41/secrets"), (.get, "/Secrets"), (.get, "secrets"), (.get, ""), (.get, "/"),
        (.get, "/services/"), (.get, "/v1.41"), (.get, "/images//json/x"), (.get, "/containers/x/json/../archive"),
        (.get, "/distribution/json"),
    ]

    @Test(arguments: forbidden) func whatIsNotForWhoMayOnlyLook(method: HTTPMethod, path: String) throws {
        // What names no route of its own is let through to be not found; nothing here is a route that gives something away.
        let isHarmless = ["/distribution/json"].contains(path)
        #expect(ReadOnlyCalls.contain(method, path) == isHarmless)
        let caller = try Caller(HTTPPeer(entrance: .secured(certificate(.readOnly))))
        guard !isHarmless else { return }
        let error = #expect(throws: HTTPError.self) { try caller.check(HTTPRequest(method, path)) }
        #expect(error?.status == .forbidden)
        let admin = try Caller(HTTPPeer(entrance: .secured(certificate(.admin))))
        #expect(throws: Never.self) { try admin.check(HTTPRequest(method, path)) }
    }

    @Test func whatWasTakenBackOpensNothing() throws {
        let (gone, other) = (try certificate(.admin), try certificate(.admin))
        let tokens = AccessTokens(tokens: [:], revoked: [gone.serial], now: .zero)
        var request = HTTPRequest(.get, "/_ping")
        request.peer = HTTPPeer(entrance: .secured(gone))
        let error = #expect(throws: HTTPError.self) { try Caller(request, { tokens }) }
        #expect(error?.status == .unauthorized && error?.message.contains(gone.serial) == true)
        request.peer = HTTPPeer(entrance: .secured(other))
        #expect(try Caller(request, { tokens }).right == .all)
        #expect(gone.serial.count == 32 && gone.serial.allSatisfy(\.isHexDigit))
    }

    @Test func aRevocationIsKnownAndTold() async throws {
        let store = Store()
        let told = Mutex<Set<String>>([])
        let known = KnownAccess(store) { known in told.withLock { $0 = known.revoked } }
        let proposer = Applying(store)
        var certificate = ClientCertificate(
            id: "aa", createdAt: .zero, name: "jane", role: "admin", issuer: "x", expiresAt: .zero)
        for revokedAt in [nil, Timestamp.zero] {
            certificate.revokedAt = revokedAt
            try await store.update(through: proposer, at: .zero) { try $0.put(certificate) }
        }
        try await eventually { known.now().revoked == ["aa"] && told.withLock { $0 } == ["aa"] }
        #expect(KnownAccess(store).now().revoked == ["aa"])
        try await store.update(through: proposer, at: .zero) { $0.delete(ClientCertificate.self, "aa") }
        try await eventually { known.now().revoked.isEmpty && told.withLock { $0 }.isEmpty }
    }
}
