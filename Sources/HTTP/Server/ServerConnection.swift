import Platform
import Synchronization

/// One connection of a server: reads a request, calls the handler, writes the answer, again and again, in one task on
/// one event loop. What runs late is found by the server's sweep, which calls `checkDeadline`.
final class ServerConnection: Sendable {
    enum Phase {
        /// Between requests.
        case idle
        /// A head has begun.
        case header
        /// A handler or the body's producer runs; its deadline is when to begin watching for the client's leaving.
        case handling
        /// The handler waits for the request's body.
        case body
        case writing
        /// The stream is somebody else's.
        case takenOver
        /// An error answer is out; what still comes in is thrown away.
        case closing
    }

    struct State {
        var parser: RequestParser
        var phase = Phase.idle
        /// Which request the parser's body belongs to.
        var serial = 0
        var bodyEnded = true
        /// The body is malformed or cut short, so nothing can follow it.
        var bodyFailed = false
        var owesContinue = false
        var headSent = false
        var isStopping = false
        var task: Task<Void, Never>?
    }

    /// How long a handler runs before the connection is watched for the client's leaving: most answers are out by then.
    private static let watchDelay = Duration.milliseconds(50)

    /// How long an answer of a cancelled handler may take to go out.
    private static let abortGrace = Duration.milliseconds(100)

    let stream: WatchedStream
    let state: Mutex<State>
    let settings: ServerSettings
    let loop: EventLoop
    /// Monotonic nanoseconds, when the phase has lasted too long. Written under the state's lock; the sweep looks without it.
    private let deadline = Atomic(Int64.max)
    let peer: HTTPPeer

    init(_ stream: any ByteStream, peer: HTTPPeer, settings: ServerSettings, on loop: EventLoop) {
        self.stream = WatchedStream(stream, on: loop)
        self.peer = peer
        self.settings = settings
        self.loop = loop
        state = Mutex(State(parser: RequestParser(limits: settings.limits)))
    }

    /// Serves until the connection ends, then calls `onEnd`.
    func start(onEnd: @escaping @Sendable () -> Void) -> Task<Void, Never> {
        state.withLock { state in
            // Unstructured, because an accept callback begins it; the server's set of connections holds and ends it.
            let task = Task(executorPreference: loop) {
                await self.run()
                onEnd()
            }
            state.task = task
            return task
        }
    }

    /// Closes after the answer under way, at once if there is none.
    func finish() {
        let isIdle = state.withLock { state in
            state.isStopping = true
            return state.phase == .idle
        }
        if isIdle { stream.close() }
    }

    /// Cancels the handler and closes, with time to say so.
    func abort() {
        finish()
        let task = state.withLock { $0.task }
        task?.cancel()
        loop.schedule(after: Self.abortGrace) { [stream] in stream.close() }
    }

    func isLate(_ now: Int64) -> Bool { now >= deadline.load(ordering: .relaxed) }

    /// Called by the sweep.
    func checkDeadline(_ now: Int64) {
        let late = state.withLock { state -> (phase: Phase, headSent: Bool)? in
            guard isLate(now) else { return nil }
            deadline.store(.max, ordering: .relaxed)
            defer { if state.phase == .header || (state.phase == .body && !state.headSent) { state.phase = .closing } }
            return (state.phase, state.headSent)
        }
        switch late?.phase {
        case .handling: stream.watch { [weak self] ended in if ended { self?.clientLeft() } }
        case .header: refuseLate("the request's header did not come in time")
        case .body where late?.headSent == false: refuseLate("the request's body did not come in time")
        case .idle, .body, .writing: stream.close()
        case .takenOver, .closing, nil: break
        }
    }

    private func clientLeft() {
        let task = state.withLock { $0.task }
        task?.cancel()
    }

    /// Answers 408 beside the reader, which then reads on until the client or the timer closes.
    private func refuseLate(_ message: String) {
        let bytes = ResponseWriter.refusal(settings.render(HTTPError(.requestTimeout, message)))
        // Unstructured, because a timer begins it; the timer below ends it.
        Task(executorPreference: loop) { [stream] in
            try? await stream.write(bytes)
            try? await stream.shutdownWrite()
        }
        loop.schedule(after: .seconds(1)) { [stream] in stream.close() }
    }

    // MARK: The connection's task

    private nonisolated(nonsending) func run() async {
        do {
            var left = settings.limits.requestsPerConnection
            while let head = try await nextHead() {
                left -= 1
                guard try await answer(head, isLast: left <= 0) else { break }
            }
            stream.close()
        } catch let error as HTTPError {
            try? await stream.write(ResponseWriter.refusal(settings.render(error)))
            await sayGoodbye()
        } catch {
            stream.close()
        }
    }

    /// The next request's head; nil when the connection is over. Throws `HTTPError` for a malformed one.
    private nonisolated(nonsending) func nextHead() async throws -> RequestParser.Head? {
        while true {
            let head = try state.withLock { state throws(HTTPError) -> RequestParser.Head? in
                if state.phase == .closing { return nil }
                if case .head(let head) = try state.parser.next() {
                    try begin(head, &state)
                    return head
                }
                if state.parser.isIdle {
                    enter(.idle, settings.limits.idleTimeout, &state)
                } else if state.phase != .header {
                    enter(.header, settings.limits.headerTimeout, &state)
                }
                return nil
            }
            if let head { return head }
            if state.withLock({ $0.isStopping && $0.phase == .idle }) { return nil }
            let bytes = try await stream.read(upTo: settings.limits.headReadBytes)
            guard !bytes.isEmpty else { return nil }
            state.withLock { if $0.phase != .closing { $0.parser.feed(bytes) } }
        }
    }

    /// Enters the handling of a request whose head came.
    private func begin(_ head: RequestParser.Head, _ state: inout State) throws(HTTPError) {
        enter(.handling, Self.watchDelay, &state)
        state.serial &+= 1
        (state.headSent, state.bodyFailed) = (false, false)
        state.owesContinue = head.expectsContinue && head.hasBody
        state.bodyEnded = !head.hasBody
        if !head.hasBody { _ = try state.parser.next() }
    }

    /// Calls the handler and writes its answer; false when the connection must not be used again.
    private nonisolated(nonsending) func answer(_ head: RequestParser.Head, isLast: Bool) async throws -> Bool {
        let started = settings.observer.onExchange == nil ? 0 : MonotonicClock.nanoseconds()
        var response: HTTPResponse
        do {
            response = try await settings.handler(request(head))
        } catch {
            response = settings.render(HTTPError(describing: error))
        }
        await keepPromise(response)
        let (isOver, isStopping, mayDrain) = state.withLock { state in
            (state.phase == .closing, state.isStopping, canDrain(state))
        }
        if isOver {
            stream.close()
            return false
        }
        let keepAlive = head.keepAlive && !isLast && !isStopping && mayDrain && !Task.isCancelled
        let writer = ResponseWriter(connection: self, head: head)
        var failure: (any Error)?
        do {
            try await writer.write(response, keepAlive: keepAlive)
        } catch {
            failure = error
        }
        report(head, response, started, failure)
        if failure != nil { return false }
        if response.takeover != nil {
            await sayGoodbye()
            return false
        }
        guard await drain() else {
            await sayGoodbye()
            return false
        }
        return keepAlive && !writer.endsAtClose(response) && !Task.isCancelled
    }

    private func request(_ head: RequestParser.Head) throws(HTTPError) -> HTTPRequest {
        var body = HTTPBody.empty
        if head.hasBody {
            let serial = state.withLock { $0.serial }
            body = HTTPBody(.source(RequestBodySource(connection: self, serial: serial)), length: head.contentLength)
        }
        return try HTTPRequest(head, body: body, peer: peer)
    }

    /// A streamed answer may be made of the request's body: the client must send it before the final head goes out.
    private nonisolated(nonsending) func keepPromise(_ response: HTTPResponse) async {
        if case .bytes = response.body.storage { return }
        let isOwed = state.withLock { state in
            defer { state.owesContinue = false }
            return state.owesContinue
        }
        if isOwed { try? await stream.write(ResponseWriter.continueBytes) }
    }

    /// Ends the connection after its last answer. The sweep must not look after it any more: were the stream watched for the
    /// client's leaving now, two would read from it at once.
    private nonisolated(nonsending) func sayGoodbye() async {
        state.withLock { enter(.closing, .nanoseconds(Int64.max), &$0) }
        stream.unwatch()
        await stream.linger(settings.limits.lingerTimeout)
    }

    private func report(
        _ head: RequestParser.Head, _ response: HTTPResponse, _ started: Int64, _ failure: (any Error)?
    ) {
        settings.observer.onExchange?(
            HTTPServerObserver.Exchange(
                method: head.method, route: response.route, status: response.status,
                duration: .nanoseconds(MonotonicClock.nanoseconds() - started), peer: peer, failure: failure))
    }

    /// Whether what the handler left of the request's body will be read away. A client that is not told that the connection ends
    /// sends its next request on it.
    private func canDrain(_ state: State) -> Bool {
        if state.bodyEnded { return true }
        if state.owesContinue || state.bodyFailed { return false }
        return (state.parser.bodyLeft ?? 0) <= settings.limits.drainBytes
    }

    /// Reads away what the handler left of the request's body; false if that is too much or went wrong.
    private nonisolated(nonsending) func drain() async -> Bool {
        let (isDone, isHopeless, serial) = state.withLock { state in
            (state.bodyEnded, !canDrain(state), state.serial)
        }
        if isDone { return true }
        if isHopeless { return false }
        var budget = settings.limits.drainBytes
        do {
            while let bytes = try await nextBodyBytes(serial: serial) {
                budget -= bytes.count
                if budget < 0 { return false }
            }
            return true
        } catch {
            return false
        }
    }

    // MARK: What the request's body and the response's writer use

    /// The next bytes of the body of request `serial`; nil at its end.
    nonisolated(nonsending) func nextBodyBytes(serial: Int) async throws -> [UInt8]? {
        do {
            return try await readBody(serial)
        } catch {
            state.withLock { if $0.serial == serial { $0.bodyFailed = true } }
            throw error
        }
    }

    private nonisolated(nonsending) func readBody(_ serial: Int) async throws -> [UInt8]? {
        while true {
            let (event, owesContinue) = try state.withLock { state in
                guard state.serial == serial else {
                    throw HTTPError(.internalServerError, "the body of a request that was answered is read")
                }
                guard !state.bodyEnded else { return (RequestParser.Event.end, false) }
                let event = try state.parser.next()
                if case .end = event { state.bodyEnded = true }
                guard case .needMore = event else { return (event, false) }
                defer { state.owesContinue = false }
                if state.phase != .closing { enter(.body, settings.limits.bodyTimeout, &state) }
                return (event, state.owesContinue && !state.headSent)
            }
            switch event {
            case .body(let bytes): return bytes
            case .end, .head: return nil
            case .needMore: break
            }
            if owesContinue { try await stream.write(ResponseWriter.continueBytes) }
            let bytes = try await stream.read(upTo: settings.limits.readBytes)
            try state.withLock { state in
                guard state.phase != .closing else { throw HTTPError(.requestTimeout, "the body did not come in time") }
                enter(.handling, Self.watchDelay, &state)
                guard !bytes.isEmpty else { throw HTTPError(.badRequest, "the body ended early") }
                state.parser.feed(bytes)
            }
        }
    }

    /// Writes bytes of an answer within the write timeout.
    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws {
        state.withLock { state in
            state.headSent = true
            enter(.writing, settings.limits.writeTimeout, &state)
        }
        try await stream.write(bytes)
        state.withLock { enter(.handling, Self.watchDelay, &$0) }
    }

    /// Hands the stream over, with what the client sent behind its request.
    nonisolated(nonsending) func takeOver(
        _ body: HTTPResponse.Takeover
    ) async throws {
        let remainder = state.withLock { state in
            state.phase = .takenOver
            deadline.store(.max, ordering: .relaxed)
            return state.parser.takeRemainder()
        }
        stream.unwatch()
        stream.unread(remainder)
        try await body(stream)
    }

    private func enter(_ phase: Phase, _ limit: Duration, _ state: inout State) {
        state.phase = phase
        deadline.store(MonotonicClock.nanoseconds() &+ min(limit.nanoseconds, .max / 2), ordering: .relaxed)
    }
}

/// The body of a request, pulled out of its connection.
private struct RequestBodySource: HTTPBodySource {
    let connection: ServerConnection
    let serial: Int

    nonisolated(nonsending) func next() async throws -> [UInt8]? { try await connection.nextBodyBytes(serial: serial) }
}
