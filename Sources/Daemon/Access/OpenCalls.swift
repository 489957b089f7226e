import HTTP
import Platform
import Synchronization

/// Calls with a token that go on: logs that are followed, keys that are watched, queries that wait. Each is cut off
/// when its token is taken back, ends, or does not allow it any more, as connections are when a certificate is taken back.
final class OpenCalls: Sendable {
    private struct Call {
        let caller: Caller
        let request: HTTPRequest
        let end: AsyncStream<HTTPError>.Continuation

        /// Why it must not go on; nil where it may.
        func refusal(_ known: AccessTokens?) -> HTTPError? {
            guard let known else { return OpenCalls.noManager }
            return (try? caller.mayGoOn(with: request, known)) == true ? nil : OpenCalls.ended
        }
    }

    private struct State {
        var calls: [UInt64: Call] = [:]
        var next: UInt64 = 0
    }

    private static let ended = HTTPError(.forbidden, "Permission denied: the token was taken back, or has ended")

    /// Nothing is wrong with the token: another manager takes it.
    private static let noManager = HTTPError(
        .serviceUnavailable, "this node is no manager any more, or is stopping: ask another one")

    private let state = Mutex(State())

    /// Cuts off what would not be let in any more.
    ///
    /// - Parameter known: nil where the node is no manager any more.
    func review(_ known: AccessTokens?) {
        let calls = state.withLock { Array($0.calls.values) }
        for call in calls { if let reason = call.refusal(known) { call.end.yield(reason) } }
    }

    /// Answers a call, and holds what of it takes its time to who makes it.
    ///
    /// - Parameters:
    ///   - caller: one with a token, who was let in with it.
    ///   - known: the tokens of this moment.
    func answer(
        _ request: HTTPRequest, by caller: Caller, known: @escaping @Sendable () -> AccessTokens?,
        _ handler: @escaping HTTPHandler
    ) async throws -> HTTPResponse {
        let hold = Hold(calls: self, caller: caller, request: request, known: known)
        var response =
            Self.mayWait(request) ? try await hold.run { try await handler(request) } : try await handler(request)
        // A body of known length is on its way already.
        guard response.body.length == nil else { return response }
        let body = response.body
        response.body = .stream { writer in try await hold.run { try await body.copy(to: writer) } }
        return response
    }

    /// Consul's blocking queries.
    private static func mayWait(_ request: HTTPRequest) -> Bool {
        request.query["index"] != nil || request.query["wait"] != nil
    }

    /// One call's bound.
    private struct Hold: Sendable {
        let calls: OpenCalls
        let caller: Caller
        let request: HTTPRequest
        let known: @Sendable () -> AccessTokens?

        func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
            let (ends, end) = AsyncStream<HTTPError>.makeStream(bufferingPolicy: .bufferingNewest(1))
            let call = Call(caller: caller, request: request, end: end)
            let number = calls.enter(call)
            defer { calls.leave(number) }
            // It may have been taken back before anybody knew of this call.
            if let reason = call.refusal(known()) { throw reason }
            return try await withThrowingTaskGroup(of: Value.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    for await reason in ends { throw reason }
                    throw CancellationError()
                }
                if let endsAt = caller.endsAt {
                    group.addTask {
                        // In steps, because the time of day may be set.
                        while true {
                            let left = endsAt - WallClock.now()
                            guard left > .zero else { throw OpenCalls.ended }
                            try await Task.sleep(for: min(left, .seconds(60)))
                        }
                    }
                }
                defer { group.cancelAll() }
                guard let value = try await group.next() else { throw CancellationError() }
                return value
            }
        }
    }

    private func enter(_ call: Call) -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.calls[state.next] = call
            return state.next
        }
    }

    private func leave(_ number: UInt64) { state.withLock { $0.calls[number] = nil } }

    /// Calls that are open.
    var count: Int { state.withLock { $0.calls.count } }
}
