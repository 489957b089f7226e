import Foundation
import Raft
import RaftSimulation
import Synchronization

/// Keeps every command, in memory; a snapshot is all of them.
final class RecordingStateMachine: StateMachine, Sendable {
    private struct State {
        var index: LogIndex = 0
        var commands: [[UInt8]] = []
    }

    private let state = Mutex(State())

    var appliedIndex: LogIndex { state.withLock { $0.index } }
    var commands: [[UInt8]] { state.withLock { $0.commands } }

    /// While it is true applying does not end: the member's thread stands still, as with a disk that hangs.
    let hangs = Atomic(false)
    /// Whether it stands still now.
    let isHanging = Atomic(false)
    /// While it is true reading a snapshot does not end, as with a large one.
    let readingHangs = Atomic(false)
    let isReading = Atomic(false)

    func apply(_ entries: [Entry]) throws -> [[UInt8]] {
        while hangs.load(ordering: .relaxed) {
            isHanging.store(true, ordering: .relaxed)
            Thread.sleep(forTimeInterval: 0.005)
        }
        isHanging.store(false, ordering: .relaxed)
        return state.withLock { state in
            entries.map { entry in
                state.index = entry.index
                guard entry.kind == .command else { return [] }
                state.commands.append(entry.data)
                return Array("\(state.commands.count)".utf8)
            }
        }
    }

    func snapshot() throws -> StateSnapshot {
        state.withLock { state in
            let text = state.commands.map { $0.map { String($0) }.joined(separator: ",") }.joined(separator: ";")
            return StateSnapshot(index: state.index, source: BytesSource(Array(text.utf8)))
        }
    }

    func read(from source: any ByteSource, index: LogIndex) throws -> () -> Void {
        while readingHangs.load(ordering: .relaxed) {
            isReading.store(true, ordering: .relaxed)
            Thread.sleep(forTimeInterval: 0.005)
        }
        var bytes: [UInt8] = []
        while true {
            let more = try source.read(upTo: 1000)
            if more.isEmpty { break }
            bytes += more
        }
        let commands = String(decoding: bytes, as: UTF8.self).split(separator: ";").map { command in
            command.split(separator: ",").compactMap { UInt8($0) }
        }
        return { [self] in state.withLock { $0 = State(index: index, commands: commands) } }
    }
}
