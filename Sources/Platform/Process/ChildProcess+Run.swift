internal import CLinux
internal import Glibc
internal import Synchronization

extension ChildProcess {
    /// Most bytes that `run` keeps of each output, where the caller names no other bound.
    public static let outputLimit = 4 << 20

    /// How a process ended and what it said.
    public struct Output: Sendable {
        public let status: ExitStatus
        public let stdout: [UInt8]
        public let stderr: [UInt8]
        /// Some of the output was beyond the bound and is lost.
        public let isTruncated: Bool

        /// The outputs as text, wrong UTF-8 repaired.
        public var stdoutText: String { String(decoding: stdout, as: UTF8.self) }
        public var stderrText: String { String(decoding: stderr, as: UTF8.self) }
    }

    /// Runs a command to its end with `input` as its standard input, collecting bounded outputs.
    ///
    /// It never waits for the end of an output past the child's own end: a grandchild may hold it open. On timeout the child is
    /// killed and ETIMEDOUT thrown; when the task is cancelled it is killed as well. Descriptors 0, 1 and 2 named by the command
    /// are overruled.
    public nonisolated(nonsending) static func run(
        _ command: Command, input: [UInt8] = [], timeout: Duration = .seconds(60),
        outputLimit: Int = ChildProcess.outputLimit, loop: EventLoop
    ) async throws -> Output {
        let stdin = try Pipe()
        let stdout = try Pipe()
        let stderr = try Pipe()
        var command = command
        command.descriptors[0] = stdin.reader
        command.descriptors[1] = stdout.writer
        command.descriptors[2] = stderr.writer
        let output = PipeCollector(stdout, limit: outputLimit)
        let errors = PipeCollector(stderr, limit: outputLimit)
        let feeder = PipeFeeder(stdin, input)
        defer {
            output.finish()
            errors.finish()
            feeder.finish()
        }
        let child = try spawn(command, loop: loop)
        try output.start(loop)
        try errors.start(loop)
        try feeder.start(loop)
        let isTimedOut = Atomic(false)
        let status = await withTimeout(timeout, loop: loop) {
            isTimedOut.store(true, ordering: .relaxed)
            try? child.signal(SIGKILL)
        } wait: {
            await withTaskCancellationHandler {
                await child.wait()
            } onCancel: {
                try? child.signal(SIGKILL)
            }
        }
        try Task.checkCancellation()
        if isTimedOut.load(ordering: .relaxed) {
            throw SystemError(errno: ETIMEDOUT, call: "wait", subject: command.executable)
        }
        let (collected, lostOutput) = output.finish()
        let (complaints, lostErrors) = errors.finish()
        return Output(
            status: status, stdout: collected, stderr: complaints, isTruncated: lostOutput || lostErrors)
    }

    private nonisolated(nonsending) static func withTimeout(
        _ timeout: Duration, loop: EventLoop, _ onTimeout: @escaping @Sendable () -> Void,
        wait: nonisolated(nonsending) () async -> ExitStatus
    ) async -> ExitStatus {
        let timer = loop.schedule(after: timeout, onTimeout)
        defer { timer.cancel() }
        return await wait()
    }
}

/// The two ends of a pipe, each closed once.
private final class Pipe: Sendable {
    let reader: Int32
    let writer: Int32
    private let isReaderOpen = Atomic(true)
    private let isWriterOpen = Atomic(true)

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try checked(cl_pipe2(&ends, O_CLOEXEC), "pipe2")
        (reader, writer) = (ends[0], ends[1])
    }

    deinit {
        closeReader()
        closeWriter()
    }

    func closeReader() { if isReaderOpen.exchange(false, ordering: .relaxed) { _ = close(reader) } }
    func closeWriter() { if isWriterOpen.exchange(false, ordering: .relaxed) { _ = close(writer) } }

    /// Only this process's end: the child's must block.
    static func makeNonBlocking(_ descriptor: Int32) throws(SystemError) {
        try checked(fcntl(descriptor, F_SETFL, O_NONBLOCK), "fcntl")
    }
}

/// Reads an output as it comes, keeping so much of it.
private final class PipeCollector: Sendable {
    private struct State: Sendable {
        var bytes: [UInt8] = []
        var isTruncated = false
        var isOver = false
        var watch: EventLoop.Watch?
    }
    private static let chunk = 64 << 10
    private let pipe: Pipe
    private let limit: Int
    private let state = Mutex(State())

    init(_ pipe: Pipe, limit: Int) {
        self.pipe = pipe
        self.limit = limit
    }

    func start(_ loop: EventLoop) throws(SystemError) {
        pipe.closeWriter()
        try Pipe.makeNonBlocking(pipe.reader)
        let watch = try loop.watch(pipe.reader, for: .readable) { _ in self.drain() }
        let isOver = state.withLock { state in
            state.watch = watch
            return state.isOver
        }
        if isOver { watch.cancel() }
    }

    /// Takes what is there now, and gives all that was.
    @discardableResult
    func finish() -> (bytes: [UInt8], isTruncated: Bool) {
        pipe.closeWriter()
        drain()
        let (watch, bytes, isTruncated) = state.withLock { state in
            state.isOver = true
            defer { state.watch = nil }
            return (state.watch, state.bytes, state.isTruncated)
        }
        watch?.cancel()
        return (bytes, isTruncated)
    }

    private func drain() {
        let watch = state.withLock { state -> EventLoop.Watch? in
            // So much and no more at once: a grandchild may write for ever.
            var budget = limit &+ Self.chunk
            while !state.isOver, budget > 0, let piece = try? Files.read(pipe.reader, upTo: Self.chunk) {
                if piece.isEmpty {
                    state.isOver = true
                    return state.watch
                }
                budget -= piece.count
                let room = limit - state.bytes.count
                state.bytes.append(contentsOf: piece.prefix(max(0, room)))
                if piece.count > room { state.isTruncated = true }
            }
            return nil
        }
        watch?.cancel()
    }
}

/// Writes the input as the child takes it.
private final class PipeFeeder: Sendable {
    private struct State: Sendable {
        var offset = 0
        var isOver = false
        var watch: EventLoop.Watch?
    }
    private let pipe: Pipe
    private let bytes: [UInt8]
    private let state = Mutex(State())

    init(_ pipe: Pipe, _ bytes: [UInt8]) {
        self.pipe = pipe
        self.bytes = bytes
    }

    func start(_ loop: EventLoop) throws(SystemError) {
        pipe.closeReader()
        if bytes.isEmpty { return finish() }
        try Pipe.makeNonBlocking(pipe.writer)
        let watch = try loop.watch(pipe.writer, for: .writable) { _ in self.feed() }
        let isOver = state.withLock { state in
            state.watch = watch
            return state.isOver
        }
        if isOver { finish() }
    }

    private func feed() {
        let isOver = state.withLock { state in
            while !state.isOver, state.offset < bytes.count {
                let count = bytes.withUnsafeBytes { buffer in
                    write(pipe.writer, buffer.baseAddress?.advanced(by: state.offset), bytes.count - state.offset)
                }
                if count >= 0 {
                    state.offset += count
                } else if errno == EAGAIN {
                    return false
                } else if errno != EINTR {
                    // EPIPE: the child wants no more of it.
                    break
                }
            }
            state.isOver = true
            return true
        }
        if isOver { finish() }
    }

    func finish() {
        let watch = state.withLock { state in
            state.isOver = true
            defer { state.watch = nil }
            return state.watch
        }
        watch?.cancel()
        pipe.closeWriter()
    }
}
