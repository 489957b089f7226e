import HTTP
import Platform
import Synchronization

/// A file of JSON lines, one a call that was let in by this node; older ones beside it. Who writes waits until the line is in the
/// file, which is not synced; lines that come together are written together, on a thread of their own.
final class AuditLog: Sendable {
    struct Limits: Sendable {
        /// Bytes after which the next file begins.
        var fileBytes = 32 << 20
        /// Files besides the one that is written to: `audit.log.1` is the youngest.
        var olderFiles = 4
    }

    private struct State {
        var pending: [UInt8] = []
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

    func write(_ entry: AuditEntry) async {
        await withCheckedContinuation { continuation in
            let begins = state.withLock { state in
                state.pending += entry.line
                state.waiting.append(continuation)
                defer { state.isWriting = true }
                return !state.isWriting
            }
            if begins { startThread(named: "audit") { self.drain() } }
        }
    }

    private func drain() {
        while true {
            let (bytes, waiting) = state.withLock { state in
                defer { (state.pending, state.waiting) = ([], []) }
                if state.waiting.isEmpty { state.isWriting = false }
                return (state.pending, state.waiting)
            }
            if waiting.isEmpty { return }
            do {
                try rotate()
                try Files.append(path, bytes, mode: 0o600)
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
        _ handler: @escaping HTTPHandler, _ audit: AuditLog?, tokens: @escaping @Sendable () -> AccessTokens? = { nil }
    ) -> HTTPHandler {
        { request in
            let caller = try Caller(request, tokens)
            guard let audit, AuditEntry.isWorthy(request), !caller.isManager else {
                return try await handler(try caller.admit(request))
            }
            var entry = AuditEntry(
                time: WallClock.now(), caller: caller, from: Self.place(of: request.peer), method: request.method.name,
                path: request.path, status: 0, duration: .zero)
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

    private static func place(of peer: HTTPPeer) -> String {
        switch peer.address {
        case .unix, nil: "unix"
        case let address?: "\(address)"
        }
    }
}
