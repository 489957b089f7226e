import Platform
import Synchronization

/// One connection of a client: sends a request, gives its response's head and body, and again.
final class ClientConnection: Sendable {
    private struct State {
        var parser: ResponseParser
        /// Which exchange the parser is in.
        var serial = 0
        /// A piece of the body that came with the head.
        var kept: [UInt8]?
        /// A byte of the response has come.
        var heard = false
        /// The request is out entirely; the response is in.
        var isSent = true
        var isReceived = true
        /// The server lets the connection be used again.
        var keepAlive = true
        var sending: Task<Void, Never>?
        /// What the request's body threw.
        var sendFailure: (any Error)?
        var onDone: (@Sendable (Bool) -> Void)?
    }

    /// How long a server that has answered may take to read the rest of the request.
    private static let sendGrace = Duration.seconds(1)

    private let stream: WatchedStream
    private let loop: EventLoop
    private let limits: HTTPLimits
    private let state: Mutex<State>

    init(_ stream: any ByteStream, limits: HTTPLimits, on loop: EventLoop) {
        self.stream = WatchedStream(stream, on: loop)
        self.loop = loop
        self.limits = limits
        state = Mutex(State(parser: ResponseParser(limits: limits)))
    }

    /// Nothing of a response came: a request that may be repeated can be tried on another connection.
    var heardNothing: Bool { state.withLock { !$0.heard } }

    /// Sends a request and receives the head of its response. `onDone` is called once, when the exchange is over, with
    /// whether the connection can be used again.
    ///
    /// - Throws: `HTTPError` 502, what the stream throws, or what the request's body throws. The connection is then closed.
    nonisolated(nonsending) func exchange(
        _ request: HTTPRequest, host: String, onDone: @escaping @Sendable (Bool) -> Void
    ) async throws -> ResponseParser.Head {
        state.withLock { state in
            state.serial &+= 1
            state.parser.expectResponse(to: request.method)
            (state.isSent, state.isReceived, state.keepAlive, state.heard) = (false, false, true, false)
            (state.kept, state.sendFailure, state.onDone) = (nil, nil, onDone)
        }
        do {
            return try await withTaskCancellationHandler {
                try await send(request, host: host)
                return try await receiveHead()
            } onCancel: {
                fail()
            }
        } catch {
            fail()
            throw state.withLock { $0.sendFailure } ?? error
        }
    }

    /// The exchange failed or is not wanted any more: closes.
    func fail() {
        let (sending, onDone) = state.withLock { state in
            defer { (state.sending, state.onDone) = (nil, nil) }
            return (state.sending, state.onDone)
        }
        sending?.cancel()
        stream.close()
        onDone?(false)
    }

    /// Waits for the next use; `onInput` is called if the server closes, or speaks without being asked.
    func rest(_ onInput: @escaping @Sendable () -> Void) { stream.watch { _ in onInput() } }

    /// Ends HTTP on the connection: the raw stream, with what the server already sent on it.
    func takeOver() -> any ByteStream {
        let (remainder, onDone) = state.withLock { state in
            defer { state.onDone = nil }
            return (state.parser.takeRemainder(), state.onDone)
        }
        stream.unwatch()
        stream.unread(remainder)
        onDone?(false)
        return stream
    }

    // MARK: Sending

    private nonisolated(nonsending) func send(_ request: HTTPRequest, host: String) async throws {
        var writer = HeadWriter(request.method, request.target, capacity: request.body.length ?? 0)
        if request.headers["Host"] == nil { writer.field("Host", host) }
        writer.fields(request.headers)
        if request.headers["Upgrade"] != nil { writer.field("Connection: Upgrade") }
        if case .bytes(let bytes) = request.body.storage, bytes.count <= limits.writeSliceBytes {
            if !bytes.isEmpty || !["GET", "HEAD", "DELETE", "OPTIONS"].contains(request.method.name) {
                writer.contentLength(bytes.count)
            }
            let isUnread = try await write(writer.end(with: bytes))
            state.withLock { $0.isSent = !isUnread }
            return
        }
        var framing = BodySink.Framing.chunked
        if let length = request.body.length {
            framing = .length(length)
            writer.contentLength(length)
        } else {
            writer.field("Transfer-Encoding: chunked")
        }
        _ = try await write(writer.end())
        stream(request.body, framing)
    }

    /// Writes; true if the server has closed its ear, which is no error yet: its answer may be there to read.
    private nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws -> Bool {
        do {
            try await stream.write(bytes)
            return false
        } catch let error as SystemError where error.isBrokenPipe {
            return true
        }
    }

    /// Sends the body beside the reading of the response.
    private func stream(_ body: HTTPBody, _ framing: BodySink.Framing) {
        let wasCut = Flag()
        let sink = BodySink(framing, sliceBytes: limits.writeSliceBytes) { [stream] bytes in
            do {
                try await stream.write(bytes)
            } catch {
                wasCut.set()
                throw error
            }
        }
        state.withLock { state in
            // Unstructured, because it may outlive the call that receives the head; the exchange's end cancels it.
            state.sending = Task(executorPreference: loop) { [weak self] in
                do {
                    try await sink.send(body)
                    self?.sentAll()
                } catch {
                    if !wasCut.isSet { self?.bodyFailed(error) }
                }
            }
        }
    }

    private func sentAll() {
        let onDone = state.withLock { state in
            state.isSent = true
            return state.isReceived ? takeDone(&state) : nil
        }
        onDone?()
    }

    private func bodyFailed(_ error: any Error) {
        state.withLock { $0.sendFailure = error }
        fail()
    }

    // MARK: Receiving

    private nonisolated(nonsending) func receiveHead() async throws -> ResponseParser.Head {
        while true {
            let event = try state.withLock { state throws(HTTPError) in try state.parser.next() }
            if case .head(let head) = event {
                if head.status.isInformational, head.status.code != 101 { continue }
                state.withLock { $0.keepAlive = head.keepAlive }
                return head
            }
            guard try await receive(limits.headReadBytes) else {
                throw HTTPError(.badGateway, "the server closed the connection without an answer")
            }
        }
    }

    /// The body behind a head that was just received; already whole where it came along with the head.
    func body(of head: ResponseParser.Head) throws -> HTTPBody {
        let (whole, serial) = try state.withLock { state throws(HTTPError) -> ([UInt8]?, Int) in
            switch try state.parser.next() {
            case .end: return ([], state.serial)
            case .needMore, .head: return (nil, state.serial)
            case .body(let first):
                guard head.contentLength == first.count, case .end = try state.parser.next() else {
                    state.kept = first
                    return (nil, state.serial)
                }
                return (first, state.serial)
            }
        }
        if let whole {
            finishReceiving()
            return HTTPBody(whole)
        }
        return HTTPBody(.source(ResponseBodySource(connection: self, serial: serial)), length: head.contentLength)
    }

    /// The next bytes of the body of exchange `serial`; nil at its end.
    nonisolated(nonsending) func nextBodyBytes(serial: Int) async throws -> [UInt8]? {
        do {
            while true {
                let event = try state.withLock { state throws(HTTPError) -> ResponseParser.Event in
                    guard state.serial == serial, !state.isReceived else { return .end }
                    if let kept = state.kept {
                        state.kept = nil
                        return .body(kept)
                    }
                    return try state.parser.next()
                }
                switch event {
                case .body(let bytes): return bytes
                case .end:
                    if state.withLock({ $0.serial == serial && !$0.isReceived }) { finishReceiving() }
                    return nil
                case .needMore, .head: break
                }
                if try await !receive(limits.readBytes) {
                    _ = try state.withLock { state throws(HTTPError) in try state.parser.finish() }
                    finishReceiving()
                    return nil
                }
            }
        } catch {
            fail()
            throw state.withLock { $0.sendFailure } ?? error
        }
    }

    /// Nobody will read the rest of the body of exchange `serial`.
    func abandon(serial: Int) {
        if state.withLock({ $0.serial == serial && !$0.isReceived }) { fail() }
    }

    /// Reads once; false at the end of the stream.
    private nonisolated(nonsending) func receive(_ limit: Int) async throws -> Bool {
        let bytes = try await withTaskCancellationHandler {
            try await stream.read(upTo: limit)
        } onCancel: {
            fail()
        }
        state.withLock { state in
            if !bytes.isEmpty { state.heard = true }
            state.parser.feed(bytes)
        }
        return !bytes.isEmpty
    }

    private func finishReceiving() {
        let (onDone, serial) = state.withLock { state in
            state.isReceived = true
            return (state.isSent || !state.keepAlive ? takeDone(&state) : nil, state.serial)
        }
        if let onDone { return onDone() }
        loop.schedule(after: Self.sendGrace) { [weak self] in
            guard let self, state.withLock({ $0.serial == serial && !$0.isSent }) else { return }
            fail()
        }
    }

    /// What to call, outside the lock, when the exchange is over.
    private func takeDone(_ state: inout State) -> (@Sendable () -> Void)? {
        guard let onDone = state.onDone else { return nil }
        let mayReuse = state.isSent && state.keepAlive && state.parser.isIdle
        let sending = state.sending
        (state.onDone, state.sending) = (nil, nil)
        return { [self] in
            if !mayReuse {
                sending?.cancel()
                stream.close()
            }
            onDone(mayReuse)
        }
    }
}

/// The body of a response, pulled out of its connection. Letting go of it unread closes the connection.
private final class ResponseBodySource: HTTPBodySource {
    private let connection: ClientConnection
    private let serial: Int

    init(connection: ClientConnection, serial: Int) {
        self.connection = connection
        self.serial = serial
    }

    deinit { connection.abandon(serial: serial) }

    nonisolated(nonsending) func next() async throws -> [UInt8]? { try await connection.nextBodyBytes(serial: serial) }
}
