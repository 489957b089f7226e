/// Wakes one waiting loop; several wakes before it waits again are one.
struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func wake() { continuation.yield() }

    /// One loop at a time; ends when its task is cancelled.
    var wakes: AsyncStream<Void> { stream }
}
