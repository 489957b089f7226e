package import Raft

/// One member: the production driver on a simulated disk, by a clock of its own.
package final class SimulatedMember {
    package let id: NodeID
    package let disk: SimulatedDisk
    package let machine: SimulatedStateMachine
    /// Nil while the member is down.
    package internal(set) var driver: RaftDriver?
    package let keys: SimulatedKeys
    var clock = SimulatedClock(reading: 0)
    /// It stands still until then, like a stopped process; what arrives waits.
    var pausedUntil: UInt64 = 0
    /// The term that it leads and the end of its lease there, by its clock, as its other threads were told; 0 where there is none.
    var told: (term: Term, leaseEnd: UInt64) = (0, 0)
    /// The term in which its state has shown all that was committed before: only in that one others read by its lease.
    var readyTerm: Term = 0
    var mailbox: [Arrival] = []
    /// What its other threads are at, and when they are done; in the order in which it was begun.
    var snapshotWork: [(time: UInt64, work: any SnapshotWork)] = []
    var readRounds = ReadRounds()
    var snapshotWaits = SnapshotWaits()
    var restartAt: UInt64?
    /// Why it stopped, if it did so itself.
    package internal(set) var failure: (any Error)?
    /// A bit of its disk was flipped: it may refuse to start, and is then lost.
    var isDamaged = false
    var isLost = false
    /// What its disk must hold whatever happens: its promises rest on it.
    var promised: (index: LogIndex, term: Term, hardState: HardState)?

    /// What waits for the member's next turn.
    enum Arrival {
        case message([UInt8])
        case request((RaftDriver) -> Void)
        case finished(any SnapshotWork, RaftError?)
    }

    init(id: NodeID, disk: SimulatedDisk, machine: SimulatedStateMachine) {
        self.id = id
        self.disk = disk
        self.machine = machine
        keys = SimulatedKeys(seed: id.value)
    }

    package var member: Member { Member(id: id, address: "m\(id)") }

    /// What `RaftNode.holdsLease` says, on whatever thread asks.
    func holdsLease(at time: UInt64) -> Bool {
        driver != nil && told.term != 0 && told.term == readyTerm && clock.reading(at: time) < told.leaseEnd
    }

    /// Takes down what it has on its disk for certain.
    func notePromises() {
        if let driver { promised = driver.core.promised }
    }

    /// What a start found that breaks a promise; nil if nothing.
    func brokenPromise(_ core: RaftCore) -> String? {
        guard let promised else { return nil }
        let (state, found) = (promised.hardState, core.promised.hardState)
        if found.term < state.term || (found.term == state.term && state.vote != nil && found.vote != state.vote) {
            return "durability: \(id) was in \(state), and starts in \(found)"
        }
        guard core.lastIndex >= promised.index,
            core.firstIndex > promised.index || core.term(at: promised.index) == promised.term
        else {
            return "durability: \(id) had entry \(promised.index) of term \(promised.term), and starts with "
                + "\(core.firstIndex)...\(core.lastIndex)"
        }
        return nil
    }
}
