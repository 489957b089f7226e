import Glibc
import Platform

/// Asks the upstream servers, from the network namespace of this process.
struct UpstreamForwarder: Sendable {
    /// Datagrams on a query's socket that may turn out not to be its answer.
    private static let maximumStrays = 32

    let loop: EventLoop
    let upstreams: UpstreamServers

    /// The answer for the client: an upstream server's, or a SERVFAIL.
    ///
    /// Over UDP each attempt has a socket of its own, connected, so that the kernel drops what others send, with a port and
    /// an id that cannot be guessed (RFC 5452).
    nonisolated(nonsending) func answer(
        _ query: DNSMessage, bytes: [UInt8], over transport: QueryResponder.Transport
    ) async -> [UInt8] {
        var forwarded = ForwardedQuery(query, bytes: bytes, servers: upstreams.servers.count)
        while let index = forwarded.nextServer() {
            let verdict: ForwardedQuery.Verdict
            do {
                switch transport {
                case .udp: verdict = try await askOverUDP(upstreams.servers[index], &forwarded)
                case .tcp: verdict = try await askOverTCP(upstreams.servers[index], &forwarded)
                }
            } catch {
                // Refused, unreachable or silent: the next server may do.
                continue
            }
            if case .accept(let answer) = verdict { return answer }
        }
        return forwarded.fallback ?? QueryResponder.failure(of: query, .serverFailure, over: transport)
    }

    private nonisolated(nonsending) func askOverUDP(
        _ server: SocketAddress, _ forwarded: inout ForwardedQuery
    ) async throws -> ForwardedQuery.Verdict {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let socket = Descriptor(owning: try checked(socket(server.family, type, 0), "socket", "\(server)"))
        try checked(try server.withSockaddr { connect(socket.rawValue, $0, $1) }, "connect", "\(server)")
        let id = UInt16.random(in: 0...UInt16.max)
        let request = forwarded.request(id: id)
        try checked(send(socket.rawValue, request, request.count, Int32(MSG_NOSIGNAL)), "send", "\(server)")
        let deadline = MonotonicClock.nanoseconds() + ForwardedQuery.attemptTimeout.wholeNanoseconds
        for _ in 0..<UpstreamForwarder.maximumStrays {
            let left = deadline - MonotonicClock.nanoseconds()
            guard left > 0, try await loop.wait(socket.rawValue, for: .readable, timeout: .nanoseconds(left)) else {
                return .next
            }
            var received = 0
            let answer = [UInt8](unsafeUninitializedCapacity: DNSMessage.maximumLength) { buffer, count in
                received = recv(socket.rawValue, buffer.baseAddress, buffer.count, 0)
                count = max(0, received)
            }
            try checked(received, "recv", "\(server)")
            let verdict = forwarded.judge(answer, id: id)
            if verdict != .ignore { return verdict }
        }
        return .next
    }

    private nonisolated(nonsending) func askOverTCP(
        _ server: SocketAddress, _ forwarded: inout ForwardedQuery
    ) async throws -> ForwardedQuery.Verdict {
        let stream = try await SocketStream.connect(to: server, loop: loop, timeout: ForwardedQuery.attemptTimeout)
        let timer = loop.schedule(after: ForwardedQuery.attemptTimeout) { stream.close() }
        defer {
            timer.cancel()
            stream.close()
        }
        let id = UInt16.random(in: 0...UInt16.max)
        var messages = DNSStream(stream)
        try await messages.send(forwarded.request(id: id))
        for _ in 0..<UpstreamForwarder.maximumStrays {
            guard let answer = try await messages.next() else { return .next }
            let verdict = forwarded.judge(answer, id: id)
            if verdict != .ignore { return verdict }
        }
        return .next
    }
}

extension Duration {
    /// Nanoseconds, for durations of a few seconds.
    fileprivate var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
