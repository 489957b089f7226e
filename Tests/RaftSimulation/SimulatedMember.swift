package import Raft

/// One member: the production driver on a simulated disk.
package final class SimulatedMember {
    package let id: NodeID
    package let disk: SimulatedDisk
    package let machine: SimulatedStateMachine
    /// Nil while the member is down.
    package internal(set) var driver: RaftDriver?
    /// It stands still until then, like a stopped process; messages wait.
    var pausedUntil: UInt64 = 0
    var mailbox: [[UInt8]] = []
    var restartAt: UInt64?
    /// Why it stopped, if it did so itself.
    package internal(set) var failure: (any Error)?

    init(id: NodeID, disk: SimulatedDisk, machine: SimulatedStateMachine) {
        self.id = id
        self.disk = disk
        self.machine = machine
    }
}
