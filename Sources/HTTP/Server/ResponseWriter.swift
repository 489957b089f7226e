/// Writes one answer on a connection, in the framing that its body and the client's version call for.
struct ResponseWriter {
    let connection: ServerConnection
    let head: RequestParser.Head

    static let continueBytes = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    /// An error answer behind which the connection closes, as bytes.
    static func refusal(_ response: HTTPResponse) -> [UInt8] {
        guard case .bytes(let body) = response.body.storage else { return [] }
        var writer = HeadWriter(response.status, capacity: body.count)
        writer.fields(response.headers)
        writer.contentLength(body.count)
        writer.field("Connection: close")
        return writer.end(with: body)
    }

    /// The client learns the body's end only by the connection's.
    func endsAtClose(_ response: HTTPResponse) -> Bool {
        if case .untilClose = framing(response) { true } else { false }
    }

    /// Head and body; a body of bytes goes with the head in one write, a stream's head goes out before the stream begins.
    nonisolated(nonsending) func write(_ response: HTTPResponse, keepAlive: Bool) async throws {
        if let takeover = response.takeover {
            try await connection.write(takeoverHead(response))
            return try await connection.takeOver(takeover)
        }
        let framing = framing(response)
        if case .bytes(let body) = response.body.storage {
            return try await writeBytes(response, body, framing, keepAlive)
        }
        try await connection.write(headBytes(response, framing, keepAlive, with: []))
        let sink = BodySink(framing, sliceBytes: connection.settings.limits.writeSliceBytes) { [connection] bytes in
            try await connection.write(bytes)
        }
        try await sink.send(response.body)
    }

    private nonisolated(nonsending) func writeBytes(
        _ response: HTTPResponse, _ body: [UInt8], _ framing: BodySink.Framing, _ keepAlive: Bool
    ) async throws {
        let slice = connection.settings.limits.writeSliceBytes
        let isBodiless = if case .none = framing { true } else { false }
        let first = isBodiless ? [] : body.count <= slice ? body : Array(body[..<slice])
        try await connection.write(headBytes(response, framing, keepAlive, with: first))
        var start = first.count
        while !isBodiless, start < body.count {
            let end = min(body.count, start + slice)
            try await connection.write(Array(body[start..<end]))
            start = end
        }
    }

    private func framing(_ response: HTTPResponse) -> BodySink.Framing {
        if head.method == .head || response.status.isBodiless { return .none }
        if let length = response.body.length { return .length(length) }
        return head.version == .http11 ? .chunked : .untilClose
    }

    private func headBytes(
        _ response: HTTPResponse, _ framing: BodySink.Framing, _ keepAlive: Bool, with body: [UInt8]
    ) -> [UInt8] {
        var writer = HeadWriter(response.status, capacity: body.count)
        let isHead = head.method == .head
        let ownLength = isHead && response.body.length == 0 && response.headers["Content-Length"] != nil
        writer.fields(response.headers, keepingContentLength: ownLength)
        switch framing {
        case .length(let length): writer.contentLength(length)
        case .chunked: writer.field("Transfer-Encoding: chunked")
        case .none:
            if isHead, !ownLength, !response.status.isBodiless, let length = response.body.length {
                writer.contentLength(length)
            }
        case .untilClose: break
        }
        let closes = if case .untilClose = framing { true } else { !keepAlive }
        if closes {
            writer.field("Connection: close")
        } else if head.version == .http10 {
            writer.field("Connection: keep-alive")
        }
        return writer.end(with: body)
    }

    private func takeoverHead(_ response: HTTPResponse) -> [UInt8] {
        var writer = HeadWriter(response.status, capacity: 0)
        writer.fields(response.headers)
        writer.field(response.status.code == 101 ? "Connection: Upgrade" : "Connection: close")
        return writer.end()
    }
}
