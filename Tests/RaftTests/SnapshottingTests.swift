import Testing

@testable import Raft

/// scenarios.md, Raft and storage, 8: a snapshot whose state is being read while the group goes on.
@Suite struct SnapshottingTests {
    private static let configuration = Configuration(
        voters: (1...3).map { Member(id: NodeID($0), address: "m\($0)") })
    private let now = MonotonicInstant(nanoseconds: 1)

    private func follower() throws -> RaftCore {
        let entries = (1...10).map { Entry(index: $0, term: 1, kind: .command, data: []) }
        let founding = SnapshotMetadata(index: 0, term: 0, configuration: Self.configuration)
        return try RaftCore(
            id: NodeID(1), settings: .init(),
            restored: .init(
                hardState: HardState(term: 1), snapshot: founding, baseIndex: 0, baseTerm: 0, entries: entries,
                commitIndex: 10, appliedIndex: 10),
            seed: 1, now: now)
    }

    private func metadata(_ index: LogIndex) -> SnapshotMetadata {
        SnapshotMetadata(index: index, term: 1, configuration: Self.configuration)
    }

    /// The only piece of a snapshot.
    private func chunk(_ index: LogIndex) -> Message.Body {
        .snapshot(.init(metadata: metadata(index), totalBytes: 3, offset: 0, bytes: [1, 2, 3]))
    }

    /// What the member does about a message, with its writes done.
    private func take(_ core: inout RaftCore, _ body: Message.Body, from sender: UInt64, term: Term) -> [Effects] {
        core.receive(Message(from: NodeID(sender), to: NodeID(1), term: term, body: body), at: now)
        return work(&core)
    }

    private func work(_ core: inout RaftCore) -> [Effects] {
        var all: [Effects] = []
        while true {
            let effects = core.takeEffects()
            if effects.isEmpty { return all }
            all.append(effects)
            if let number = effects.writeNumber { core.written(number) }
        }
    }

    private func answers(_ effects: [Effects]) -> [Message] { effects.flatMap { $0.messages + $0.messagesAfterSync } }

    /// Entries that it acknowledged to a new leader, who counts on them, are behind the snapshot: they stay.
    @Test func whatWasPromisedMeanwhileStays() throws {
        var core = try follower()
        _ = take(&core, chunk(20), from: 2, term: 2)
        let entries = (11...30).map { Entry(index: $0, term: $0 > 20 ? 3 : 1, kind: .command, data: []) }
        let append = Message.Body.append(.init(previousIndex: 10, previousTerm: 1, commit: 15, entries: entries))
        let promises = answers(take(&core, append, from: 3, term: 3))
        #expect(promises.map(\.body) == [core.acceptance(upTo: 30)])
        let isNeeded = core.needsSnapshot(metadata(20))
        #expect(!isNeeded)
        core.snapshotReceived(metadata(20))
        let effects = work(&core)
        #expect(effects.allSatisfy { $0.snapshotToInstall == nil })
        #expect(core.lastIndex == 30 && core.commitIndex == 15 && core.term(at: 30) == 3)
    }

    @Test func aNewLeaderWaitsForItAndIsToldThatItIsThere() throws {
        var core = try follower()
        _ = take(&core, chunk(20), from: 2, term: 2)
        _ = take(&core, .heartbeat(.init(commit: 0, round: 1)), from: 3, term: 3)
        let meanwhile = take(&core, chunk(25), from: 3, term: 3)
        #expect(meanwhile.allSatisfy { $0.snapshotWrites.isEmpty } && answers(meanwhile).isEmpty)
        core.snapshotReceived(metadata(20))
        let effects = work(&core)
        #expect(effects.contains { $0.snapshotToInstall == metadata(20) })
        #expect(answers(effects).map(\.to) == [NodeID(3)] && core.commitIndex == 20)
        let next = take(&core, chunk(25), from: 3, term: 3)
        #expect(next.contains { !$0.snapshotWrites.isEmpty })
    }

    /// Its leader's heartbeats are answered, and so is the last piece, once more: that it is there, not that it is in force.
    @Test func itsLeaderIsToldThatAllPiecesAreThere() throws {
        var core = try follower()
        _ = take(&core, chunk(20), from: 2, term: 2)
        let heartbeat = take(&core, .heartbeat(.init(commit: 0, round: 7)), from: 2, term: 2)
        #expect(answers(heartbeat).count == 1)
        let again = take(&core, chunk(20), from: 2, term: 2)
        #expect(answers(again).map(\.body) == [.snapshotResponse(.init(index: 20, nextOffset: 3))])
        #expect(again.allSatisfy { $0.snapshotWrites.isEmpty })
        core.snapshotDamaged(metadata(20))
        let refusal = answers(work(&core))
        #expect(refusal.map(\.body) == [.snapshotResponse(.init(index: 20, nextOffset: 0))])
        let anew = take(&core, chunk(20), from: 2, term: 2)
        #expect(anew.contains { !$0.snapshotWrites.isEmpty })
    }
}
