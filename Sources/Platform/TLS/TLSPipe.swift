internal import COpenSSL

/// What libssl reads from and writes to in place of a socket: the arrays of bytes as they came, and as they go.
final class TLSPipe {
    private var incoming: [UInt8] = []
    private var position = 0
    private(set) var outgoing: [UInt8] = []
    /// Nothing more comes in.
    var isEnded = false

    /// Bytes that came and were not taken yet.
    var available: Int { incoming.count - position }

    /// Bytes that came. They are not copied where those before them were taken.
    func feed(_ bytes: [UInt8]) {
        if available == 0 {
            incoming = bytes
        } else {
            incoming.removeFirst(position)
            incoming += bytes
        }
        position = 0
    }

    func reserve(_ count: Int) { outgoing.reserveCapacity(outgoing.count + count) }

    /// What is to be sent.
    func take() -> [UInt8] {
        defer { outgoing = [] }
        return outgoing
    }

    private func read(into buffer: UnsafeMutableRawPointer, _ limit: Int) -> Int {
        let count = min(limit, available)
        guard count > 0 else { return 0 }
        incoming.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            buffer.copyMemory(from: base + position, byteCount: count)
        }
        position += count
        if available == 0 {
            incoming = []
            position = 0
        }
        return count
    }

    /// A BIO over the pipe, which must outlive it.
    func makeBIO() -> OpaquePointer {
        guard let bio = BIO_new(Self.method) else { preconditionFailure("no memory for a BIO") }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    private static func of(_ bio: OpaquePointer?) -> TLSPipe? {
        BIO_get_data(bio).map { Unmanaged<TLSPipe>.fromOpaque($0).takeUnretainedValue() }
    }

    // Made once, never changed.
    nonisolated(unsafe) private static let method: OpaquePointer = {
        guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "martlet") else {
            preconditionFailure("no memory for a BIO")
        }
        BIO_meth_set_read_ex(method) { bio, buffer, limit, count in
            cossl_clear_retry(bio)
            guard let pipe = TLSPipe.of(bio), let buffer else { return 0 }
            let read = pipe.read(into: buffer, limit)
            count?.pointee = read
            if read == 0, !pipe.isEnded { cossl_retry_read(bio) }
            return read > 0 ? 1 : 0
        }
        BIO_meth_set_write_ex(method) { bio, buffer, length, count in
            guard let pipe = TLSPipe.of(bio), let buffer else { return 0 }
            pipe.outgoing.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: length))
            count?.pointee = length
            return 1
        }
        BIO_meth_set_ctrl(method) { bio, command, _, _ in
            switch command {
            case BIO_CTRL_FLUSH: 1
            case BIO_CTRL_EOF: TLSPipe.of(bio)?.isEnded == true ? 1 : 0
            default: 0
            }
        }
        return method
    }()
}
