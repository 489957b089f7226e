internal import Model
internal import Platform
internal import Store

/// The leader's part in a change of the root: tells nodes that use another than is wanted to ask for what they need, and takes
/// the next step when all have it.
struct RootRotationLoop: Sendable {
    let store: Store
    let proposer: any Proposer
    let clock: ControlClock
    let dispatcher: Dispatcher

    enum Limits {
        /// Between two looks.
        static let interval: Duration = .milliseconds(250)
        /// A node is told again after so many looks.
        static let looksBetweenWords = 12
    }

    /// Until the task is cancelled: the term's end.
    func run() async {
        let log = Logger("root-rotation")
        var words = RenewalWords(looksBetween: Limits.looksBetweenWords)
        var settled: UInt64?
        while !Task.isCancelled {
            try? await Task.sleep(for: Limits.interval)
            let snapshot = store.snapshot
            guard snapshot.revision != settled, let secrets = snapshot.all(ClusterSecrets.self).first else { continue }
            do {
                let waiting = RootRotation.waiting(snapshot, for: try RootRotation.Wanted(secrets).record())
                if waiting.isEmpty {
                    if secrets.rotation == nil {
                        settled = snapshot.revision
                    } else {
                        try await step(log)
                    }
                }
                await words.tell(waiting.map(\.id), by: dispatcher)
            } catch {
                log.warning("the root is not changed yet", ["error": "\(error)"])
            }
        }
    }

    private func step(_ log: Logger) async throws {
        let isDone = try await store.update(through: proposer, at: clock.wall()) { transaction in
            try RootRotation.advance(&transaction)
        }.value
        guard isDone, let secrets = store.snapshot.all(ClusterSecrets.self).first else { return }
        log.info("changing the root", ["step": secrets.rotation?.phase.rawValue ?? "done"])
    }
}
