internal import COpenSSL

/// How one end of TLS connections (RFC 8446) proves itself and whom it trusts. TLS 1.3 alone: no resumption, no early data, no
/// renegotiation.
public final class TLSContext: Sendable {
    /// Most bytes of certificates that the other end may send.
    private static let certificateBytes = 16 << 10
    /// Most certificates that it may send.
    private static let certificateCount: Int32 = 4

    // Set up before anybody else sees it; libssl counts its references.
    nonisolated(unsafe) let pointer: OpaquePointer
    let isServer: Bool
    /// What the verifying callback is told; lives as long as the context.
    private let pin: Pin?

    private init(isServer: Bool, pin: Pin? = nil) {
        guard let pointer = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
            preconditionFailure("no memory for a TLS context")
        }
        precondition(cossl_harden(pointer, Self.certificateBytes) == 1, "libssl has no TLS 1.3")
        self.pointer = pointer
        self.isServer = isServer
        self.pin = pin
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
    }

    deinit { SSL_CTX_free(pointer) }

    /// The end that connects: the other one must show a certificate of a root that is trusted.
    public static func client(_ credentials: NodeCredentials) -> TLSContext {
        client(unchecked: credentials.key, credentials.certificate, roots: credentials.roots)
    }

    /// The same with what need not belong together.
    static func client(
        unchecked key: PrivateKey, _ certificate: Certificate, roots: [Certificate]
    ) -> TLSContext {
        let context = TLSContext(isServer: false)
        context.use(key, certificate, roots)
        return context
    }

    /// The end that is connected to. A certificate that is shown must be of a root that is trusted; one that shows none is
    /// let in, and has no `TLSStream.peer`. The issuing root is sent along, for those who pin it.
    public static func server(_ credentials: NodeCredentials) -> TLSContext {
        server(
            unchecked: credentials.key, credentials.certificate, roots: credentials.roots, sending: credentials.issuer)
    }

    /// The same with what need not belong together.
    static func server(
        unchecked key: PrivateKey, _ certificate: Certificate, roots: [Certificate], sending root: Certificate
    ) -> TLSContext {
        let context = TLSContext(isServer: true)
        context.use(key, certificate, roots)
        precondition(cossl_add_chain(context.pointer, root.pointer) == 1, "libssl takes no root")
        return context
    }

    /// The API's end of a connection: clients show certificates of one of `roots`, with a few in between where those are an
    /// operator's own; who shows none is let in, and has no `TLSStream.peer`.
    ///
    /// - Parameter chain: the server's own certificate first, then those between it and its root.
    /// - Throws: `CertificateError` where the key is not that of the certificate.
    public static func apiServer(
        key: PrivateKey, chain: [Certificate], clientRoots roots: [Certificate]
    ) throws(CertificateError) -> TLSContext {
        let context = TLSContext(isServer: true)
        try context.use(key: key, chain: chain, roots)
        return context
    }

    /// An end that connects to the API at an IP address, for which the server's certificate must be.
    ///
    /// - Parameter identity: what the client proves itself with; nil for nothing.
    public static func apiClient(
        identity: (key: PrivateKey, chain: [Certificate])?, roots: [Certificate], address: String
    ) throws(CertificateError) -> TLSContext {
        let context = TLSContext(isServer: false)
        if let identity {
            try context.use(key: identity.key, chain: identity.chain, roots)
        } else {
            try context.trust(roots, depth: apiDepth)
        }
        guard X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(context.pointer), address) == 1 else {
            throw .malformed("address \(address)")
        }
        return context
    }

    /// Certificates between a client's and an operator's own root.
    private static let apiDepth: Int32 = 3

    private func use(key: PrivateKey, chain: [Certificate], _ roots: [Certificate]) throws(CertificateError) {
        guard let first = chain.first else { throw .malformed("certificate: there is none") }
        guard first.isOf(key) else { throw .untrusted("the key is not that of the certificate") }
        defer { ERR_clear_error() }
        guard SSL_CTX_use_certificate(pointer, first.pointer) == 1, SSL_CTX_use_PrivateKey(pointer, key.pointer) == 1,
            chain.dropFirst().allSatisfy({ cossl_add_chain(pointer, $0.pointer) == 1 })
        else { throw .weakKey("the certificate's key") }
        try trust(roots, depth: Self.apiDepth)
    }

    private func trust(_ roots: [Certificate], depth: Int32) throws(CertificateError) {
        guard !roots.isEmpty else { throw .malformed("roots: there is none") }
        SSL_CTX_set_verify_depth(pointer, depth)
        guard roots.allSatisfy({ X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), $0.pointer) == 1 }) else {
            throw .malformed("root certificate")
        }
    }

    /// An end that connects without a certificate of its own. Of those that the other end sends, the one that `isRoot` knows is
    /// the root of the others.
    public static func stranger(trusting isRoot: @escaping @Sendable (_ digest: [UInt8]) -> Bool) -> TLSContext {
        let pin = Pin(isRoot: isRoot)
        let context = TLSContext(isServer: false, pin: pin)
        SSL_CTX_set_cert_verify_callback(
            context.pointer,
            { presented, pin in
                guard let presented, let pin else { return 0 }
                return Unmanaged<Pin>.fromOpaque(pin).takeUnretainedValue().verify(presented) ? 1 : 0
            }, Unmanaged.passUnretained(pin).toOpaque())
        return context
    }

    private func use(_ key: PrivateKey, _ certificate: Certificate, _ roots: [Certificate]) {
        // The root alone vouches: nobody in between.
        SSL_CTX_set_verify_depth(pointer, 0)
        let isSet =
            SSL_CTX_use_certificate(pointer, certificate.pointer) == 1
            && SSL_CTX_use_PrivateKey(pointer, key.pointer) == 1
            && roots.allSatisfy { X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), $0.pointer) == 1 }
        precondition(isSet, "libssl refuses credentials that were checked")
    }

    /// Who is the root, for one that knows only its digest.
    private final class Pin: Sendable {
        let isRoot: @Sendable ([UInt8]) -> Bool

        init(isRoot: @escaping @Sendable ([UInt8]) -> Bool) { self.isRoot = isRoot }

        func verify(_ presented: OpaquePointer) -> Bool {
            for index in 0..<TLSContext.certificateCount {
                guard let pointer = cossl_presented(presented, index) else { break }
                X509_up_ref(pointer)
                guard let certificate = try? Certificate(owning: pointer), isRoot(certificate.digest) else { continue }
                X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(presented), 0)
                return cossl_verify_presented(presented, pointer) == 1
            }
            X509_STORE_CTX_set_error(presented, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
            return false
        }
    }
}
