import TestSupport
import Testing

@testable import Platform

@Suite struct CertificateTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")
    private static let node = PeerIdentity(nodeID: "n1", role: .worker, clusterID: "c1")
    private static let day = Duration.seconds(86_400)

    private static func issue(
        by authority: CertificateAuthority = authority, to node: PeerIdentity = node, validity: Duration = day * 90,
        now: Timestamp = TestCertificates.now
    ) throws -> Certificate {
        try authority.issue(
            CertificateRequest(signedBy: PrivateKey.generate()), to: node, validity: validity, now: now)
    }

    @Test func saysWhoTheNodeIsAndForHowLong() throws {
        let certificate = try Self.issue()
        #expect(certificate.node == Self.node)
        #expect(try Self.issue(to: PeerIdentity(nodeID: "m1", role: .manager, clusterID: "c1")).node?.role == .manager)
        #expect(certificate.notBefore.seconds == TestCertificates.now.seconds - 25 * 3600)
        #expect(certificate.notAfter.seconds == TestCertificates.now.seconds + 90 * 86_400)
        for usage in Certificate.Usage.allCases { try certificate.verify(against: Self.authority.root, for: usage) }
        #expect(Self.authority.root.node == nil)
        #expect(Self.authority.root.digest.count == 32)
        #expect(try Self.issue() != certificate)
    }

    @Test(arguments: [1, 2, 1_000_000, .max] as [UInt32]) func saysWhichOfTheNodesLivesItIsOf(incarnation: UInt32)
        throws
    {
        let node = PeerIdentity(nodeID: "n1", role: .manager, clusterID: "c1", incarnation: incarnation)
        let certificate = try Self.issue(to: node)
        #expect(certificate.node == node && certificate.node != Self.node)
        #expect("\(node)".hasSuffix("(incarnation \(incarnation))"))
    }

    @Test func serialsAreRandom() throws {
        let serials = try (0..<20).map { _ in try Self.issue().der[15..<31] }
        #expect(Set(serials).count == 20)
    }

    @Test func isTrustedOnlyByItsRootAndInItsTime() throws {
        let certificate = try Self.issue()
        let other = CertificateAuthority.make(clusterID: "c1")
        #expect(throws: CertificateError.self) { try certificate.verify(against: other.root, for: .client) }
        // Its own root's certificate is none of a node, a node's is none of an issuer.
        #expect(throws: CertificateError.self) { try Self.issue().verify(against: certificate, for: .client) }
        let now = TestCertificates.now
        for (time, isGood) in [
            (now, true), (now + Self.day * 89, true), (now + Self.day * 91, false),
            // A clock that is a day behind.
            (now + Self.day * -1, true), (now + Self.day * -2, false),
        ] {
            let verify = { () throws in try certificate.verify(against: Self.authority.root, for: .server, at: time) }
            if isGood { try verify() } else { #expect(throws: CertificateError.self) { try verify() } }
        }
    }

    @Test func endsWithItsRoot() throws {
        let short = CertificateAuthority.make(clusterID: "c1", validity: Self.day)
        #expect(try Self.issue(by: short).notAfter == short.root.notAfter)
    }

    @Test func survivesPEM() throws {
        let credentials = try TestCertificates.credentials(of: Self.authority, "n1")
        let again = try NodeCredentials(pem: credentials.pem)
        #expect(again.certificate == credentials.certificate && again.roots == credentials.roots)
        #expect(again.key.pem == credentials.key.pem && again.node == Self.node)
        let authority = try CertificateAuthority(
            root: Certificate(pem: Self.authority.root.pem), key: PrivateKey(pem: Self.authority.key.pem))
        #expect(authority.root.digest == Self.authority.root.digest)
    }

    @Test func credentialsThatDoNotBelongTogetherAreRefused() throws {
        let (one, two) = (
            try TestCertificates.credentials(of: Self.authority, "n1"),
            try TestCertificates.credentials(of: .make(clusterID: "c1"), "n1")
        )
        #expect(throws: CertificateError.self) {
            try NodeCredentials(key: two.key, certificate: one.certificate, roots: one.roots)
        }
        #expect(throws: CertificateError.self) {
            try NodeCredentials(key: one.key, certificate: one.certificate, roots: two.roots)
        }
        #expect(throws: CertificateError.self) {
            try NodeCredentials(key: Self.authority.key, certificate: Self.authority.root, roots: [Self.authority.root])
        }
        #expect(throws: CertificateError.self) { try NodeCredentials(pem: one.key.pem + one.certificate.pem) }
        #expect(throws: CertificateError.malformed("5 roots")) {
            try NodeCredentials(
                key: one.key, certificate: one.certificate, roots: [Certificate](repeating: one.issuer, count: 5))
        }
    }

    // MARK: Requests

    @Test func aRequestProvesItsKey() throws {
        let request = CertificateRequest(signedBy: PrivateKey.generate())
        #expect(try CertificateRequest(der: request.der).der == request.der)
        #expect(request.der.count < 400)
        // Another key's signature, or another key under the signature.
        var changed = request.der
        changed[changed.count - 1] ^= 1
        #expect(throws: CertificateError.self) { try CertificateRequest(der: changed) }
        #expect(throws: CertificateError.malformed("request: more than one")) {
            try CertificateRequest(der: request.der + [0])
        }
        #expect(throws: CertificateError.tooLong("request", 4097)) {
            try CertificateRequest(der: [UInt8](repeating: 0x30, count: 4097))
        }
        for bytes in [[], [0], [0x30, 0x80], [UInt8](repeating: 0xff, count: 300)] as [[UInt8]] {
            #expect(throws: CertificateError.malformed("request")) { try CertificateRequest(der: bytes) }
        }
    }

    @Test func garbageIsNoRequestKeyOrCertificate() async throws {
        let credentials = try TestCertificates.credentials(of: Self.authority, "n1")
        let request = CertificateRequest(signedBy: credentials.key).der
        let seed = UInt64.random(in: 0...UInt64.max)
        let mutator = Mutator(
            [request, credentials.pem, credentials.certificate.der],
            spice: [
                [0x30, 0x80], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], [0x03, 0x81], [0x06, 0], [UInt8]("-----".utf8),
            ],
            seed: seed)
        try await mutator.feed { bytes, _ in
            if let accepted = try? CertificateRequest(der: bytes), accepted.der != request {
                // ECDSA signatures can be respelt, the signed part cannot.
                #expect(accepted.der.prefix(100) == request.prefix(100), "seed \(seed)")
            }
            if let other = try? NodeCredentials(pem: bytes) { #expect(other.node == Self.node, "seed \(seed)") }
            _ = try? Certificate.all(pem: bytes)
            _ = try? PrivateKey(pem: bytes)
        }
    }

    // MARK: Roots that operators bring

    @Test func aRootMustBeOne() throws {
        let credentials = try TestCertificates.credentials(of: Self.authority, "n1")
        let notARoot: [(Certificate, PrivateKey)] = [
            (credentials.certificate, credentials.key), (Self.authority.root, credentials.key),
            (credentials.certificate, Self.authority.key),
        ]
        for (certificate, key) in notARoot {
            #expect(throws: CertificateError.self) { try CertificateAuthority(root: certificate, key: key) }
        }
        let later = TestCertificates.now + Self.day * 10_000
        #expect(throws: CertificateError.self) {
            try CertificateAuthority(root: Self.authority.root, key: Self.authority.key, now: later)
        }
    }

    @Test(
        .enabled(if: Probe.hasProgram("openssl")),
        arguments: [["rsa:2048"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]])
    func aRootOfAnOperatorIssues(kind: [String]) async throws {
        let folder = try TemporaryDirectory()
        let (keyFile, rootFile, nodeFile) = (folder.file("key"), folder.file("root"), folder.file("node"))
        try await Self.openssl(
            ["req", "-x509", "-nodes", "-newkey"] + kind + ["-subj", "/O=Example/CN=root", "-days", "10"]
                + ["-addext", "keyUsage=critical,keyCertSign", "-keyout", keyFile, "-out", rootFile])
        let authority = try CertificateAuthority(
            root: Certificate(pem: try Files.read(rootFile)), key: PrivateKey(pem: try Files.read(keyFile)))
        let certificate = try Self.issue(by: authority, validity: Self.day)
        try certificate.verify(against: authority.root, for: .client)
        // OpenSSL's own program is of the same mind.
        try Files.write(nodeFile, certificate.pem)
        try await Self.openssl(["verify", "-CAfile", rootFile, "-purpose", "sslserver", nodeFile])
        let lockedFile = folder.file("locked")
        try await Self.openssl(["pkey", "-in", keyFile, "-aes128", "-passout", "pass:secret", "-out", lockedFile])
        let locked = try Files.read(lockedFile)
        #expect(throws: CertificateError.encryptedKey) { try PrivateKey(pem: locked) }
    }

    @Test(arguments: [["rsa:1024"], ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]])
    func aRequestOfAWeakKeyIsRefused(kind: [String]) async throws {
        let folder = try TemporaryDirectory()
        let file = folder.file("request")
        try await Self.openssl(
            ["req", "-new", "-nodes", "-newkey"] + kind + ["-subj", "/CN=x", "-outform", "DER"]
                + ["-keyout", folder.file("key"), "-out", file])
        let request = try Files.read(file)
        #expect(throws: CertificateError.weakKey("a request for a key that is not of P-256")) {
            try CertificateRequest(der: request)
        }
    }

    private static func openssl(_ arguments: [String]) async throws {
        let loop = try EventLoop(name: "test-openssl")
        defer { loop.stop() }
        let output = try await ChildProcess.run(
            .init(try #require(Probe.program("openssl")), arguments), loop: loop)
        #expect(output.status.isSuccess, "\(output.stderrText)")
    }
}
