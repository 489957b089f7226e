internal import Synchronization

/// A limit on the time that two ends may take to agree.
enum Deadline {
    /// Closes the stream where the body takes longer than the limit, which then throws `late`, or fails.
    static nonisolated(nonsending) func closing<T>(
        _ stream: any ByteStream, after limit: Duration, on loop: EventLoop, late: any Error,
        _ body: nonisolated(nonsending) () async throws -> T
    ) async throws -> T {
        let isLate = LateFlag()
        let timer = loop.schedule(after: limit) {
            isLate.set()
            stream.close()
        }
        defer { timer.cancel() }
        do {
            return try await body()
        } catch {
            stream.close()
            throw isLate.isSet ? late : error
        }
    }
}

/// Set when time is up.
private final class LateFlag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}
