@testable import Raft

/// Several cores with nothing between them but this: time moves when told, messages arrive at once or not at all, and what is
/// written is durable at once. No driver, no disk.
final class CoreGroup {
    var cores: [RaftCore] = []
    private(set) var now = MonotonicInstant(nanoseconds: 1)
    /// What each member was given as committed.
    private(set) var committed: [[Entry]] = []
    private(set) var confirmed: [UInt64: LogIndex] = [:]
    private(set) var failed: [UInt64] = []
    private(set) var delivered: [Message] = []
    private(set) var faults: [String] = []
    private var queue: [Message] = []
    /// Whether a message arrives.
    var passes: (Message) -> Bool = { _ in true }
    /// What becomes of one that does.
    var alters: (Message) -> Message = { $0 }

    /// One core for each list of terms: its log, `hardTerm` being the term that all are in.
    init(logs: [[Term]], hardTerm: Term = 0, commit: LogIndex = 0, settings: RaftSettings = .init()) throws {
        // Its entries would come between those that a test counts.
        var settings = settings
        settings.checkpointInterval = nil
        let voters = (1...logs.count).map { Member(id: NodeID(UInt64($0)), address: "m\($0)") }
        let configuration = Configuration(voters: voters)
        let founding = SnapshotMetadata(index: 0, term: 0, configuration: configuration)
        for (position, terms) in logs.enumerated() {
            let entries = terms.enumerated().map {
                Entry(index: UInt64($0.offset) + 1, term: $0.element, kind: .command, data: [UInt8($0.element)])
            }
            let restored = RaftCore.Restored(
                hardState: HardState(term: max(hardTerm, terms.last ?? 0)), snapshot: founding, baseIndex: 0,
                baseTerm: 0, entries: entries, commitIndex: commit, appliedIndex: commit)
            cores.append(
                try RaftCore(
                    id: voters[position].id, settings: settings, restored: restored, seed: UInt64(position) + 42,
                    now: now))
            committed.append([])
        }
    }

    subscript(_ number: Int) -> RaftCore {
        get { cores[number - 1] }
        set { cores[number - 1] = newValue }
    }

    func terms(_ number: Int) -> [Term] {
        let core = self[number]
        return core.lastIndex < core.firstIndex ? [] : core.entries(core.firstIndex...core.lastIndex).map(\.term)
    }

    var leaders: [Int] { (1...cores.count).filter { self[$0].role == .leader } }

    func clearDelivered() { delivered = [] }

    /// Works off all effects and delivers all messages until nothing moves.
    func settle() {
        repeat {
            for position in cores.indices { drain(position) }
            let messages = queue
            queue = []
            for message in messages where passes(message) {
                let message = alters(message)
                delivered.append(message)
                cores[Int(message.to.value) - 1].receive(message, at: now)
            }
        } while !queue.isEmpty || cores.indices.contains { drain($0) }
    }

    /// Carries out one member's effects; true if there were any.
    @discardableResult
    private func drain(_ position: Int) -> Bool {
        var found = false
        while true {
            let effects = cores[position].takeEffects()
            if effects.isEmpty { return found }
            found = true
            if let fault = effects.fault { faults.append(fault) }
            queue += effects.messages + effects.messagesAfterSync
            committed[position] += effects.committed
            for read in effects.reads { confirmed[read.token] = read.index }
            failed += effects.failedReads
            if let number = effects.writeNumber { cores[position].written(number) }
        }
    }

    /// Lets time pass in steps of 10 ms, in each of which everybody ticks and everything settles.
    func pass(milliseconds: Int) {
        for _ in 0..<max(1, milliseconds / 10) {
            now = now + .milliseconds(10)
            for position in cores.indices { cores[position].tick(at: now) }
            settle()
        }
    }

    /// Makes a member's election time run out, and nobody else's.
    func campaign(_ number: Int) {
        now = now + .milliseconds(1)
        self[number].electionDeadline = now
        for position in cores.indices {
            // The others have heard of no leader for long enough to listen.
            cores[position].lastLeaderContact = nil
            cores[position].promisedUntil = now
        }
        self[number].tick(at: now)
        settle()
    }

    /// Cuts a member off.
    func isolate(_ number: Int) {
        let id = NodeID(UInt64(number))
        passes = { $0.from != id && $0.to != id }
    }

    func propose(_ number: Int, _ payload: [UInt8] = [9]) throws { _ = try self[number].propose([payload], at: now) }
}
