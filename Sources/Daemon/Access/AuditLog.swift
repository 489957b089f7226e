import Discovery
import Glibc
import HTTP
import Platform
import Synchronization

/// A file of JSON lines, one a call that was let in by this node; older ones beside it. Who writes waits until the line is in the
/// file, which is not synced; who notes does not, unless the queue is full. What comes together is written together, on a thread of
/// its own.
final class AuditLog: Sendable {
    struct Limits: Sendable {
        /// Bytes after which the next file begins.
        var fileBytes = 32 << 20
        /// Files besides the one that is written to: `audit.log.1` is the youngest.
        var olderFiles = 4
        /// Entries that wait to be written, besides those that somebody waits for.
        var queuedEntries = 8_192
        /// From the first entry that was noted to the writing of all that have come since.
        var gatheringMicroseconds: UInt32 = 10_000
    }

    private struct State {
        var pending: [AuditEntry] = []
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isWriting = false
        /// Said once, until it works again.
        var hasFailed = false
    }

    private let path: String
    private let limits: Limits
    private let state = Mutex(State())
    private let log = Logger("audit")

    init(path: String, limits: Limits = Limits()) {
        self.path = path
        self.limits = limits
    }

    /// Returns once the entry is in the file.
    nonisolated(nonsending) func write(_ entry: AuditEntry) async { await enqueue(entry) }

    /// Returns at once, unless so much is queued that it waits until the entry is in the file. What was noted in the last
    /// `Limits.gatheringMicroseconds` is lost where the process is killed.
    nonisolated(nonsending) func note(_ entry: AuditEntry) async {
        let (isQueued, begins) = state.withLock { state in
            guard state.pending.count < limits.queuedEntries else { return (false, false) }
            state.pending.append(entry)
            defer { state.isWriting = true }
            return (true, !state.isWriting)
        }
        if begins { begin() }
        if !isQueued { await enqueue(entry) }
    }

    /// Returns once all that was noted is in the file.
    nonisolated(nonsending) func flush() async {
        if state.withLock({ $0.isWriting }) { await enqueue(nil) }
    }

    private nonisolated(nonsending) func enqueue(_ entry: AuditEntry?) async {
        await withCheckedContinuation { continuation in
            let begins = state.withLock { state in
                if let entry { state.pending.append(entry) }
                state.waiting.append(continuation)
                defer { state.isWriting = true }
                return !state.isWriting
            }
            if begins { begin() }
        }
    }

    private func begin() { startThread(named: "audit") { self.drain() } }

    private func drain() {
        while true {
            // Nobody waits: more will come in a moment, and one write does for all.
            if state.withLock({ $0.waiting.isEmpty }) {
                usleep(limits.gatheringMicroseconds)
            }
            let (entries, waiting) = state.withLock { state in
                defer { (state.pending, state.waiting) = ([], []) }
                if state.pending.isEmpty, state.waiting.isEmpty { state.isWriting = false }
                return (state.pending, state.waiting)
            }
            if entries.isEmpty, waiting.isEmpty { return }
            do {
                try rotate()
                var bytes: [UInt8] = []
                for entry in entries { bytes += entry.line }
                if !bytes.isEmpty { try Files.append(path, bytes, mode: 0o600) }
                state.withLock { $0.hasFailed = false }
            } catch {
                // The call was answered by what it did: that it is not written down is for the operator to hear.
                let isNew = state.withLock { state in
                    defer { state.hasFailed = true }
                    return !state.hasFailed
                }
                if isNew { log.error("calls are not written down", ["error": "\(error)"]) }
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    private func rotate() throws {
        guard Files.exists(path), try Files.size(path) >= limits.fileBytes else { return }
        for number in stride(from: limits.olderFiles - 1, through: 1, by: -1) where Files.exists("\(path).\(number)") {
            try Files.rename("\(path).\(number)", to: "\(path).\(number + 1)")
        }
        try Files.rename(path, to: path + ".1")
    }
}

extension AuditLog {
    /// The handler behind the door: it sees calls that are let in, and each that is worth it is written down with what came of it.
    /// What another manager hands on was written down there.
    static func guarding(
        _ routes: @escaping HTTPHandler, _ audit: AuditLog?, calls: OpenCalls = OpenCalls(),
        tokens: @escaping @Sendable () -> AccessTokens? = { nil }
    ) -> HTTPHandler {
        { request in
            let caller = try Caller(request, tokens)
            let handler: HTTPHandler = { request in
                guard caller.tokenID != nil else { return try await routes(request) }
                return try await calls.answer(request, by: caller, known: tokens, routes)
            }
            guard let audit, AuditEntry.isWorthy(request), !caller.isManager else {
                return try await handler(try caller.admit(request))
            }
            var entry = Self.entry(of: request, by: caller)
            let start = ContinuousClock.now
            let result: Result<HTTPResponse, any Error>
            do {
                var whole = try caller.admit(request)
                entry.object = try await AuditEntry.object(of: &whole)
                result = .success(try await handler(whole))
            } catch {
                result = .failure(error)
            }
            switch result {
            case .success(let response): entry.status = response.status.code
            case .failure(let error): entry.status = HTTPError(describing: error).status.code
            }
            entry.duration = ContinuousClock.now - start
            await audit.write(entry)
            return try result.get()
        }
    }

    /// The same on the discovery port, where puts are many: an answer does not wait for its line.
    nonisolated(nonsending) func noting(
        _ request: HTTPRequest, by caller: Caller, _ handler: (HTTPRequest) async -> HTTPResponse
    ) async -> HTTPResponse {
        var entry = Self.entry(of: request, by: caller)
        let start = ContinuousClock.now
        let response: HTTPResponse
        do {
            var whole = request
            entry.object = try await AuditEntry.object(ofTransaction: &whole)
            response = await handler(whole)
        } catch {
            response = DiscoveryAPI.failure(error, knowsLeader: true)
        }
        entry.status = response.status.code
        entry.duration = ContinuousClock.now - start
        await note(entry)
        return response
    }

    /// Of a call that nothing has come of yet.
    private static func entry(of request: HTTPRequest, by caller: Caller) -> AuditEntry {
        AuditEntry(
            time: WallClock.now(), caller: caller, from: place(of: request.peer), method: request.method.name,
            path: request.path, status: 0, duration: .zero)
    }

    private static func place(of peer: HTTPPeer) -> String {
        switch peer.address {
        case .unix, nil: "unix"
        case let address?: "\(address)"
        }
    }
}
