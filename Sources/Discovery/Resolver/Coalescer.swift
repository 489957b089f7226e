import Platform

/// Hands on the newest of many versions of a content, one at a time: what is submitted while one is under way waits for its
/// end, and only the latest of it follows.
actor Coalescer<Content: Sendable> {
    private let loop: EventLoop
    private let perform: @Sendable (Content) async throws -> Void
    private var pending: Content?
    private var isPerforming = false
    private var submitted = 0
    private var finished = 0
    private var failure: (any Error)?
    private var waiters: [CheckedContinuation<Void, Never>] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(loop: EventLoop, perform: @escaping @Sendable (Content) async throws -> Void) {
        self.loop = loop
        self.perform = perform
    }

    /// Returns when this content, or a later one, is done; throws what the last one threw.
    func submit(_ content: Content) async throws {
        pending = content
        submitted += 1
        let mine = submitted
        while finished < mine {
            if isPerforming {
                await withCheckedContinuation { waiter in
                    // It may have ended before this one is among those who wait.
                    if isPerforming { waiters.append(waiter) } else { waiter.resume() }
                }
            } else {
                await performPending()
            }
        }
        if let failure { throw failure }
    }

    private func performPending() async {
        // Another may have begun since it was seen that nobody does.
        guard !isPerforming, let content = pending else { return }
        let target = submitted
        pending = nil
        isPerforming = true
        do {
            try await perform(content)
            failure = nil
        } catch {
            failure = error
        }
        isPerforming = false
        finished = target
        let woken = waiters
        waiters = []
        for waiter in woken { waiter.resume() }
    }
}
