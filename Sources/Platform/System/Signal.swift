/// Wakes one waiting loop; several wakes before it waits again are one.
public struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    /// One that nobody has woken yet.
    public init() {
        (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Wakes the loop, or has its next wait return at once.
    public func wake() { continuation.yield() }

    /// One loop at a time; ends for good when the task that waits is cancelled.
    public var wakes: AsyncStream<Void> { stream }
}
