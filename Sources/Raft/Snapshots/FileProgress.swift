internal import Dispatch
internal import Synchronization

/// How much of a file that is being written may be read already: told by the thread that writes, waited for by the one that reads.
final class FileProgress: Sendable {
    private struct State: Sendable {
        var bytes = 0
        var isWhole = false
        var isGivenUp = false
    }

    private let state = Mutex(State())
    private let told = DispatchSemaphore(value: 0)

    /// So much is there, and does not change any more.
    func advance(to bytes: Int) { tell { $0.bytes = max($0.bytes, bytes) } }

    /// What is there is all.
    func end() { tell { $0.isWhole = true } }

    /// Nobody wants it any more: whoever waits stops.
    func giveUp() { tell { $0.isGivenUp = true } }

    private func tell(_ change: (inout State) -> Void) {
        state.withLock { change(&$0) }
        told.signal()
    }

    /// Whether nobody who reads has to wait.
    var isSettled: Bool { state.withLock { $0.isWhole || $0.isGivenUp } }

    /// Waits until there are so many bytes, or all; returns how many there are. Throws `stopped` where it was given up.
    func wait(for bytes: Int) throws(RaftError) -> Int {
        while true {
            let state = state.withLock { $0 }
            if state.isGivenUp { throw RaftError(.stopped, "the snapshot is not needed any more") }
            if state.isWhole || state.bytes >= bytes { return state.bytes }
            told.wait()
        }
    }
}
