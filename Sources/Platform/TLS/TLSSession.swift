internal import COpenSSL

/// One end of a TLS connection without its connection: bytes in, bytes out. Never waits.
struct TLSSession: ~Copyable, Sendable {
    /// Most plain bytes that are encrypted at once.
    static let chunk = 256 << 10
    /// Most plain bytes of a record (RFC 8446, 5.1).
    private static let recordSize = 16 << 10
    /// What a record has besides them: header, content type, tag.
    private static let recordOverhead = 22
    /// Encrypted with one key at most: far below what AES-GCM bears (RFC 8446, 5.5).
    static let recordsPerKey = 1 << 22
    /// Most bytes that wait because the other end asked for them, not this one.
    private static let answerLimit = 64 << 10

    enum Step: Sendable {
        case done
        case needsInput
        case failed(TLSError)
    }

    enum ReadStep: Sendable {
        case bytes([UInt8])
        /// The other end has ended its side in good order.
        case end
        case needsInput
        case failed(TLSError)
    }

    // Both are this value's own; a value that cannot be copied is used by one thread at a time.
    nonisolated(unsafe) private let ssl: OpaquePointer
    nonisolated(unsafe) private let pipe = TLSPipe()
    /// What libssl calls back belongs to it.
    private let context: TLSContext
    private var failure: TLSError?
    private var recordsLeft: Int
    private let recordsPerKey: Int

    init(_ context: TLSContext, recordsPerKey: Int = Self.recordsPerKey) {
        guard let ssl = SSL_new(context.pointer) else { preconditionFailure("no memory for a TLS connection") }
        self.ssl = ssl
        self.context = context
        self.recordsPerKey = recordsPerKey
        recordsLeft = recordsPerKey
        let bio = pipe.makeBIO()
        // One for both ways: of that libssl takes one reference (SSL_set_bio(3)).
        SSL_set_bio(ssl, bio, bio)
        if context.isServer { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
    }

    deinit { SSL_free(ssl) }

    /// Bytes from the other end; none: it has ended.
    mutating func feed(_ bytes: [UInt8]) {
        if bytes.isEmpty { pipe.isEnded = true } else { pipe.feed(bytes) }
    }

    /// What is to be sent to the other end, in order.
    mutating func takeOutgoing() -> [UInt8] { pipe.take() }

    // MARK: The handshake

    mutating func handshake() -> Step {
        if let failure { return .failed(failure) }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .done }
        if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ, !pipe.isEnded { return .needsInput }
        return .failed(fail())
    }

    /// What the other end proved itself with; nil where it has shown nothing.
    func peerCertificate() -> Certificate? {
        guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let pointer = SSL_get1_peer_certificate(ssl) else {
            return nil
        }
        return try? Certificate(owning: pointer)
    }

    /// `TLSv1.3`
    var version: String { String(cString: SSL_get_version(ssl)) }

    // MARK: Bytes

    /// Up to `limit` plain bytes of what came.
    mutating func read(upTo limit: Int) -> ReadStep {
        if let failure { return .failed(failure) }
        var error = SSL_ERROR_NONE
        let bytes: [UInt8]
        if pipe.available > Self.recordSize {
            // A part of a record may be inside libssl already.
            let capacity = min(limit, pipe.available + Int(SSL_pending(ssl)) + Self.recordSize)
            bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                (count, error) = Self.fill(buffer, from: ssl)
            }
        } else {
            // By way of the stack, so that a short message costs only so much memory as it is long.
            bytes = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: min(limit, Self.recordSize)) { buffer in
                let count: Int
                (count, error) = Self.fill(buffer, from: ssl)
                return [UInt8](buffer[..<count])
            }
        }
        switch error {
        case SSL_ERROR_NONE, SSL_ERROR_ZERO_RETURN: break
        case SSL_ERROR_WANT_READ where !pipe.isEnded:
            if pipe.outgoing.count > Self.answerLimit { failure = .malformed("the other end asks too much") }
        default: fail()
        }
        if !bytes.isEmpty { return .bytes(bytes) }
        if let failure { return .failed(failure) }
        return error == SSL_ERROR_ZERO_RETURN ? .end : .needsInput
    }

    /// Fills the buffer as far as records have come; the error where there is no more.
    private static func fill(
        _ buffer: UnsafeMutableBufferPointer<UInt8>, from ssl: OpaquePointer
    ) -> (count: Int, error: Int32) {
        guard let base = buffer.baseAddress else { return (0, SSL_ERROR_NONE) }
        var count = 0
        ERR_clear_error()
        while count < buffer.count {
            var read = 0
            let result = SSL_read_ex(ssl, base + count, buffer.count - count, &read)
            if result != 1 { return (count, SSL_get_error(ssl, result)) }
            count += read
        }
        return (count, SSL_ERROR_NONE)
    }

    /// Encrypts from `offset` on, as much as goes at once, and moves it on; what comes of it is to be sent.
    mutating func encrypt(_ bytes: [UInt8], from offset: inout Int) -> Result<[UInt8], TLSError> {
        if let failure { return .failure(failure) }
        guard SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 else { return .failure(.ended) }
        let count = min(bytes.count - offset, Self.chunk)
        let records = (count + Self.recordSize - 1) / Self.recordSize
        ERR_clear_error()
        recordsLeft -= records
        if recordsLeft < 0 {
            recordsLeft = recordsPerKey
            if SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1 { return .failure(fail()) }
        }
        pipe.reserve(count + (records + 2) * Self.recordOverhead)
        var written = 0
        let result = bytes.withUnsafeBytes { buffer in
            SSL_write_ex(ssl, buffer.baseAddress.map { $0 + offset }, count, &written)
        }
        guard result == 1, written == count else { return .failure(fail()) }
        offset += count
        return .success(pipe.take())
    }

    /// Ends this side (close_notify) and gives what is to be sent; the other one may go on. Nothing before the handshake is done.
    mutating func end() -> [UInt8] {
        if failure == nil, SSL_is_init_finished(ssl) == 1, SSL_get_shutdown(ssl) & SSL_SENT_SHUTDOWN == 0 {
            ERR_clear_error()
            SSL_shutdown(ssl)
            ERR_clear_error()
        }
        return pipe.take()
    }

    // MARK: Failures

    /// What went wrong, from the thread's error queue; it stays so.
    @discardableResult private mutating func fail() -> TLSError {
        if let failure { return failure }
        let error = reason()
        failure = error
        ERR_clear_error()
        return error
    }

    private func reason() -> TLSError {
        let verified = SSL_get_verify_result(ssl)
        if verified != Int(X509_V_OK) { return .untrusted(Certificate.reason(verified)) }
        let code = ERR_peek_error()
        let number = ERR_GET_REASON(code)
        if code != 0, ERR_GET_LIB(code) == ERR_LIB_SSL, number >= SSL_AD_REASON_OFFSET {
            return .refused(String(cString: SSL_alert_desc_string_long(number - SSL_AD_REASON_OFFSET)))
        }
        if pipe.isEnded { return .truncated }
        guard code != 0, let text = ERR_reason_error_string(code) else { return .malformed("the connection failed") }
        return .malformed(String(cString: text))
    }
}
