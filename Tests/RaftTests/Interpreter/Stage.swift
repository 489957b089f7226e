@testable import Raft

/// Where a scenario takes place: members without driver or network. Time moves when told, messages arrive when told.
final class Stage {
    /// Sorted by id.
    var actors: [Actor] = []
    var settings = RaftSettings()
    private(set) var now = MonotonicInstant(nanoseconds: 1)
    private var told: [String] = []
    private var queue: [Message] = []
    var lost: [Rule] = []
    var held: [Rule] = []
    private var heldMessages: [Message] = []
    var readNames: [String] = []
    private static let maximumRounds = 1_000
    static let snapshotBytes: [UInt8] = Array("the whole state".utf8)

    func tell(_ line: String) { told.append(line) }

    func takeTold() -> [String] {
        defer { told = [] }
        return told
    }

    func position(of id: NodeID) throws(ScenarioError) -> Int {
        guard let position = actors.firstIndex(where: { $0.id == id }) else {
            throw ScenarioError("there is no member \(id)")
        }
        return position
    }

    /// Gives a member an input, and carries out what follows.
    func act(_ id: NodeID, _ input: (inout RaftCore) throws -> Void) throws {
        let position = try position(of: id)
        guard actors[position].core != nil else { throw ScenarioError("\(id) is down") }
        try observe(position) {
            guard var core = actors[position].core else { return }
            actors[position].core = nil
            defer { actors[position].core = core }
            try input(&core)
        }
    }

    func start(_ position: Int) throws {
        let actor = actors[position]
        actors[position].core = try RaftCore(
            id: actor.id, settings: settings, restored: actor.restored, seed: actor.id.value + 42, now: now)
        try observe(position) {}
    }

    /// It has run for so long that no promise of before its start is left.
    func startLongAgo(_ position: Int) throws {
        try start(position)
        actors[position].core?.promisedUntil = now
    }

    /// One round: every message that is on its way now arrives, or is lost or held.
    func deliver(speaking: Bool) {
        let messages = queue
        queue = []
        for message in messages {
            if lost.contains(where: { $0.matches(message) }) {
                if speaking { tell(Wording.message(message) + " (lost)") }
            } else if held.contains(where: { $0.matches(message) }) || isPaused(message.to) {
                heldMessages.append(message)
                if speaking { tell(Wording.message(message) + " (held)") }
            } else {
                if speaking { tell(Wording.message(message)) }
                let now = now
                try? act(message.to) { $0.receive(message, at: now) }
            }
        }
    }

    /// Rounds until nothing moves.
    func settle(speaking: Bool) throws {
        for _ in 0..<Self.maximumRounds where !queue.isEmpty { deliver(speaking: speaking) }
        guard queue.isEmpty else { throw ScenarioError("they talk without end") }
    }

    /// What was held is on its way again.
    func release() {
        queue += heldMessages
        heldMessages = []
    }

    /// Time passes in steps of 10 ms, in each of which everybody ticks and everything settles.
    func pass(milliseconds: UInt64) throws {
        for _ in 0..<max(1, milliseconds / 10) {
            now = now + .milliseconds(10)
            let now = now
            for actor in actors where actor.core != nil && !actor.isPaused { try act(actor.id) { $0.tick(at: now) } }
            try settle(speaking: false)
        }
    }

    func crash(_ id: NodeID) throws {
        let position = try position(of: id)
        actors[position].core = nil
        actors[position].isPaused = false
        actors[position].unwritten = nil
        queue.removeAll { $0.from == id || $0.to == id }
    }

    /// A disk that hung does the first `count` writes; all of them and no more waiting if nil.
    func sync(_ id: NodeID, writes count: Int?) throws {
        let position = try position(of: id)
        let waiting = actors[position].unwritten ?? []
        let isWrite = waiting.indices.filter { waiting[$0].writeNumber != nil }
        let end = count.map { $0 < isWrite.count ? isWrite[$0] : waiting.count } ?? waiting.count
        actors[position].unwritten = count == nil ? nil : Array(waiting[end...])
        try observe(position) { for effects in waiting[..<end] { finish(effects, position) } }
    }

    private func isPaused(_ id: NodeID) -> Bool { actors.contains { $0.id == id && $0.isPaused } }

    /// Tells what an input changes.
    private func observe(_ position: Int, _ input: () throws -> Void) throws {
        let before = actors[position].core?.configuration
        defer {
            let id = actors[position].id
            while let effects = actors[position].core?.takeEffects(), !effects.isEmpty { carryOut(effects, position) }
            if let now = actors[position].core?.configuration, let before, now != before {
                tell("\(id) has \(Wording.members(now))")
            }
        }
        try input()
    }

    /// In the order that `Effects` prescribes.
    private func carryOut(_ effects: Effects, _ position: Int) {
        let id = actors[position].id
        if let fault = effects.fault { tell("\(id) stops: \(fault)") }
        queue += effects.messages
        for read in effects.snapshotReads {
            let end = min(Int(read.offset) + settings.snapshotChunkBytes, Self.snapshotBytes.count)
            actors[position].core?.sendSnapshotChunk(
                .init(
                    metadata: read.metadata, totalBytes: UInt64(Self.snapshotBytes.count), offset: read.offset,
                    bytes: Array(Self.snapshotBytes[Int(read.offset)..<end])), to: read.to)
        }
        if actors[position].unwritten != nil {
            actors[position].unwritten?.append(effects)
        } else {
            finish(effects, position)
        }
        if let change = effects.roleChange { tell("\(id) \(Wording.role(change))") }
        if let last = effects.committed.last {
            tell("\(id) applies \(Wording.entries(effects.committed))")
            actors[position].appliedIndex = last.index
        }
        for read in effects.reads {
            tell("\(id) may serve \(readNames[Int(read.token)]) once it has applied \(read.index)")
        }
        for token in effects.failedReads { tell("\(id) gives up \(readNames[Int(token)])") }
    }

    private func finish(_ effects: Effects, _ position: Int) {
        actors[position].write(effects)
        if let metadata = effects.snapshotToInstall {
            tell("\(actors[position].id) begins anew from snapshot \(metadata.index)@\(metadata.term)")
        }
        for chunk in effects.snapshotWrites {
            if chunk.offset == 0 { actors[position].received = [] }
            actors[position].received += chunk.bytes
            if actors[position].received.count == Int(chunk.totalBytes) {
                actors[position].core?.snapshotReceived(chunk.metadata)
            }
        }
        queue += effects.messagesAfterSync
        if let number = effects.writeNumber { actors[position].core?.written(number) }
    }
}
