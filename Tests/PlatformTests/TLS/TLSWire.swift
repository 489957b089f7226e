import Platform
import Synchronization

/// Two ends of a TLS connection, and somebody on the wire between the client and the server.
struct TLSWire {
    let client: TLSStream
    let server: TLSStream
    private let tampered: TamperedStream

    static func make(on loop: EventLoop) async throws -> TLSWire {
        guard let client = TLSPair.client, let server = TLSPair.server else {
            throw CertificateError.malformed("test's credentials")
        }
        let (left, right) = try SocketStream.pair(loop: loop)
        let tampered = TamperedStream(left)
        async let serverEnd = TLSStream.handshake(over: right, .server(server), within: .seconds(10), on: loop)
        let clientEnd = try await TLSStream.handshake(over: tampered, .client(client), within: .seconds(10), on: loop)
        return TLSWire(client: clientEnd, server: try await serverEnd, tampered: tampered)
    }

    /// What is done from now on to each piece that the client sends.
    func tamper(_ change: @escaping @Sendable ([UInt8]) -> [UInt8]) { tampered.change.withLock { $0 = change } }

    /// The connection ends, and the client did not say that it would.
    func cut() { tampered.stream.close() }
}

private final class TamperedStream: ByteStream {
    let stream: SocketStream
    let change = Mutex<@Sendable ([UInt8]) -> [UInt8]>({ $0 })

    init(_ stream: SocketStream) { self.stream = stream }

    nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8] { try await stream.read(upTo: limit) }
    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        let change = change.withLock { $0 }
        try await stream.write(change(bytes))
    }
    nonisolated(nonsending) func shutdownWrite() async throws { try await stream.shutdownWrite() }
    func close() { stream.close() }
}
