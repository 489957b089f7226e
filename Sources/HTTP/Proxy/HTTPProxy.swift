public import Platform

/// Answers requests by asking another server: how a manager that does not lead lets the leader answer.
public enum HTTPProxy {
    /// Counts how often a request was forwarded, so that servers that take each other for the leader do not play ball.
    public static let hopsField = "X-Martlet-Hops"

    /// Fields that belong to one connection, not to the message (RFC 9110 section 7.6.1), and those that this proxy settles
    /// for itself.
    private static let connectionFields: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
        "host",
    ]

    /// Streams the request to `client`'s server and its response back, a raw stream in both directions included.
    ///
    /// - Throws: `HTTPError` 508 for a request that was forwarded `maximumHops` times already, 502, 503 or 504 where the
    ///   server cannot be asked.
    public static nonisolated(nonsending) func forward(
        _ request: HTTPRequest, to client: HTTPClient, maximumHops: Int = 1
    ) async throws -> HTTPResponse {
        let hops = request.headers[hopsField].map { Int($0) ?? .max } ?? 0
        guard (0..<maximumHops).contains(hops) else {
            throw HTTPError(.loopDetected, "the request went from manager to manager in a circle; try again")
        }
        var onward = HTTPRequest(
            request.method, request.target, headers: endToEnd(request.headers), body: request.body)
        onward.headers[hopsField] = "\(hops + 1)"
        if let name = request.upgradeProtocol {
            let upgrade = try await client.upgrade(onward, to: name)
            return upgrade.stream.map { tunnel(request, upgrade.response, $0) } ?? answer(upgrade.response)
        }
        let (connection, head) = try await client.open(onward)
        if head.status.code == 101 {
            connection.fail()
            throw HTTPError(.badGateway, "the server switched protocols without being asked to")
        }
        // Docker's hijack without an upgrade: a body without end that is also read from.
        if head.endsAtClose, head.headers["Content-Type"]?.hasPrefix("application/vnd.docker.") == true {
            let response = HTTPResponse(head.status, headers: head.headers)
            return tunnel(request, response, connection.takeOver())
        }
        return answer(try client.response(connection, head))
    }

    /// Copies bytes between two raw streams: until `server` ends, `client`'s end being passed on. Closes `server`.
    public static nonisolated(nonsending) func splice(_ client: any ByteStream, _ server: any ByteStream) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                if await pump(from: client, to: server) {
                    try? await server.shutdownWrite()
                } else {
                    server.close()
                }
            }
            if await pump(from: server, to: client) { try? await client.shutdownWrite() }
            group.cancelAll()
        }
        server.close()
    }

    /// True at the end of `source`, false when one of them failed.
    private static nonisolated(nonsending) func pump(from source: any ByteStream, to sink: any ByteStream) async -> Bool
    {
        do {
            while true {
                let bytes = try await source.read(upTo: 64 * 1024)
                if bytes.isEmpty { return true }
                try await sink.write(bytes)
            }
        } catch {
            return false
        }
    }

    private static func tunnel(
        _ request: HTTPRequest, _ response: HTTPResponse, _ server: any ByteStream
    ) -> HTTPResponse {
        var tunnel = HTTPResponse.hijack(request, headers: endToEnd(response.headers)) { client in
            await splice(client, server)
        }
        tunnel.headers["Content-Type"] = response.headers["Content-Type"]
        tunnel.status = response.status
        return tunnel
    }

    private static func answer(_ response: HTTPResponse) -> HTTPResponse {
        var answer = response
        answer.headers = endToEnd(response.headers)
        answer.headers["Date"] = nil
        return answer
    }

    private static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = headers.tokens(of: "Connection")
        var kept = HTTPHeaders()
        for field in headers {
            let name = field.name.lowercased()
            if !connectionFields.contains(name), !named.contains(name) { kept.add(field.name, field.value) }
        }
        return kept
    }
}
