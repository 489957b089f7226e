import Platform
import Synchronization

/// The connections of one client: how many are open, which are idle, who waits for one.
final class ConnectionPool: Sendable {
    private typealias Waiter = CheckedContinuation<ClientConnection?, any Error>

    private struct State {
        var open = 0
        var idle: [(connection: ClientConnection, since: Int64)] = []
        /// First come, first served; by ticket.
        var waiting: [(ticket: UInt64, continuation: Waiter)] = []
        var lastTicket: UInt64 = 0
        var isSweeping = false
        var isClosed = false
    }

    private let limits: HTTPClientLimits
    private let loop: EventLoop
    private let state = Mutex(State())

    init(limits: HTTPClientLimits, loop: EventLoop) {
        self.limits = limits
        self.loop = loop
    }

    /// An idle connection, or nil: the right to open one, which `release` gives back.
    nonisolated(nonsending) func acquire(mayReuse: Bool) async throws -> ClientConnection? {
        enum Grant {
            case connection(ClientConnection)
            case slot
            case wait(UInt64)
            case refuse(String)
        }
        let grant = state.withLock { state -> Grant in
            if state.isClosed { return .refuse("the client is closed") }
            if mayReuse, let idle = state.idle.popLast() { return .connection(idle.connection) }
            if state.open < limits.connections {
                state.open += 1
                return .slot
            }
            if let idle = state.idle.popLast() { return .connection(idle.connection) }
            guard state.waiting.count < limits.waiting else { return .refuse("too many requests are waiting") }
            state.lastTicket += 1
            return .wait(state.lastTicket)
        }
        switch grant {
        case .connection(let connection): return connection
        case .slot: return nil
        case .refuse(let message): throw HTTPError(.serviceUnavailable, message)
        case .wait(let ticket): return try await wait(ticket)
        }
    }

    /// An exchange is over: its connection, if it can be used again, else nil for one that is no more.
    func release(_ connection: ClientConnection?) {
        enum Next {
            case nothing
            case resume(Waiter)
            case rest(ClientConnection, startsSweep: Bool)
            case close(ClientConnection)
        }
        let next = state.withLock { state -> Next in
            if let first = state.waiting.first {
                // Connection or slot pass on to the one who waits.
                state.waiting.removeFirst()
                return .resume(first.continuation)
            }
            guard let connection else {
                state.open -= 1
                return .nothing
            }
            guard !state.isClosed, state.idle.count < limits.idleConnections else {
                state.open -= 1
                return .close(connection)
            }
            state.idle.append((connection, MonotonicClock.nanoseconds()))
            defer { state.isSweeping = true }
            return .rest(connection, startsSweep: !state.isSweeping)
        }
        switch next {
        case .nothing: break
        case .resume(let waiter): waiter.resume(returning: connection)
        case .close(let connection): connection.fail()
        case .rest(let connection, let startsSweep):
            connection.rest { [weak self, weak connection] in
                if let connection { self?.drop(connection) }
            }
            if startsSweep { scheduleSweep() }
        }
    }

    /// Closes what is idle and refuses what waits.
    func close() {
        let (idle, waiting) = state.withLock { state in
            defer {
                state.open -= state.idle.count
                (state.idle, state.waiting, state.isClosed) = ([], [], true)
            }
            return (state.idle, state.waiting)
        }
        for (connection, _) in idle { connection.fail() }
        for (_, waiter) in waiting {
            waiter.resume(throwing: HTTPError(.serviceUnavailable, "the client is closed"))
        }
    }

    private nonisolated(nonsending) func wait(_ ticket: UInt64) async throws -> ClientConnection? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isGone = state.withLock { state in
                    if Task.isCancelled || state.isClosed { return true }
                    state.waiting.append((ticket, continuation))
                    return false
                }
                if isGone { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
                return state.waiting.remove(at: index).continuation
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// An idle connection ended, or its server spoke out of turn.
    private func drop(_ connection: ClientConnection) {
        let isIdle = state.withLock { state in
            guard let index = state.idle.firstIndex(where: { $0.connection === connection }) else { return false }
            state.idle.remove(at: index)
            state.open -= 1
            return true
        }
        if isIdle { connection.fail() }
    }

    private func scheduleSweep() {
        loop.schedule(after: limits.idleTimeout) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        let limit = MonotonicClock.nanoseconds() - limits.idleTimeout.nanoseconds
        let (old, isSweeping) = state.withLock { state in
            let old = state.idle.filter { $0.since <= limit }
            state.idle.removeAll { $0.since <= limit }
            state.open -= old.count
            state.isSweeping = !state.idle.isEmpty
            return (old, state.isSweeping)
        }
        for (connection, _) in old { connection.fail() }
        if isSweeping { scheduleSweep() }
    }
}
