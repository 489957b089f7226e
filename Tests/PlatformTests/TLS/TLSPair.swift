import Platform
import TestSupport

/// Two ends of a TLS connection over a socket pair.
struct TLSPair {
    static let authority = CertificateAuthority.make(clusterID: "c1")
    static let server = try? TestCertificates.credentials(of: authority, "m1", .manager)
    static let client = try? TestCertificates.credentials(of: authority, "n1")

    let client: TLSStream
    let server: TLSStream

    static func make(
        _ client: NodeCredentials? = client, _ server: NodeCredentials? = server, on loop: EventLoop
    ) async throws -> TLSPair {
        guard let client, let server else { throw CertificateError.malformed("test's credentials") }
        let (clientResult, serverResult) = try await attempt(.client(client), .server(server), on: loop)
        return TLSPair(client: try clientResult.get(), server: try serverResult.get())
    }

    /// What came of a handshake for each end, the client's after its first read where it has been through.
    static func attempt(
        _ client: TLSContext, _ server: TLSContext, on loop: EventLoop, isReading: Bool = false
    ) async throws -> (client: Result<TLSStream, any Error>, server: Result<TLSStream, any Error>) {
        let (left, right) = try SocketStream.pair(loop: loop)
        async let serverEnd = end(right, server, loop, isReading: false)
        let clientEnd = await end(left, client, loop, isReading: isReading)
        return (clientEnd, await serverEnd)
    }

    private static func end(
        _ stream: SocketStream, _ context: TLSContext, _ loop: EventLoop, isReading: Bool
    ) async -> Result<TLSStream, any Error> {
        do {
            let end = try await TLSStream.handshake(over: stream, context, within: .seconds(10), on: loop)
            if isReading { _ = try await end.read(upTo: 1) }
            return .success(end)
        } catch {
            return .failure(error)
        }
    }
}
