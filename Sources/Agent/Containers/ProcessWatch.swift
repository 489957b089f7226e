import Platform

/// Tells once that a process has ended, by its pidfd.
final class ProcessWatch: Sendable {
    private let descriptor: Descriptor
    private let watch: EventLoop.Watch

    /// Nil where the process is gone already. `onEnd` runs on the loop's thread.
    init?(_ process: ProcessIdentity, loop: EventLoop, onEnd: @escaping @Sendable () -> Void) throws {
        guard let descriptor = process.open() else { return nil }
        watch = try loop.watch(descriptor.rawValue, for: .readable) { _ in onEnd() }
        self.descriptor = descriptor
    }

    func cancel() { watch.cancel() }

    deinit { watch.cancel() }
}
