import Raft
import RaftSimulation

@testable import Discovery
@testable import Store

/// One manager of a `StateSimulation`: what outlives its process, and its process while there is one.
final class StateMember: CustomStringConvertible {
    struct Life {
        let store: Store
        let hub: WatchHub
        let driver: RaftDriver
    }

    let id: NodeID
    let disk: SimulatedDisk
    private(set) var rows = TrailingRows()
    var life: Life?
    var restartAt: UInt64?
    var nextFlush: UInt64 = 0
    /// What its other threads are at, and when they are done.
    var work: [(time: UInt64, work: any SnapshotWork)] = []

    init(_ id: NodeID, seed: UInt64) {
        self.id = id
        disk = SimulatedDisk(seed: seed)
    }

    /// When it wants a turn.
    var nextTime: UInt64 {
        guard let life else { return restartAt ?? .max }
        var time = min(nextFlush, life.driver.nextDeadline.nanoseconds)
        for work in work { time = min(time, work.time) }
        return time
    }

    func crash(byPowerLoss: Bool) {
        life = nil
        work = []
        rows = TrailingRows(rows.left(byPowerLoss: byPowerLoss))
        if byPowerLoss { disk.restorePower() } else { disk.processEnded() }
    }

    var description: String {
        guard let core = life?.driver.core else { return "\(id) is down" }
        return
            "\(id) is \(core.role) of term \(core.term), log \(core.firstIndex)...\(core.lastIndex), commit \(core.commitIndex), "
            + "state \(life?.store.applied.index ?? 0)"
    }
}

/// What befalls members and links.
enum StateFault: CaseIterable {
    case kill, powerOff, cutLink, isolation, noise, transfer, repair

    func befall(_ simulation: StateSimulation) {
        let count = UInt64(simulation.members.count)
        let member = simulation.members[Int(simulation.random.below(count))]
        switch self {
        case .kill: simulation.crash(member, byPowerLoss: false)
        case .powerOff: simulation.crash(member, byPowerLoss: true)
        case .cutLink:
            let other = simulation.members[Int(simulation.random.below(count))]
            simulation.network.cutLinks.insert(.init(from: member.id, to: other.id))
        case .isolation:
            for other in simulation.members {
                simulation.network.cutLinks.insert(.init(from: member.id, to: other.id))
                simulation.network.cutLinks.insert(.init(from: other.id, to: member.id))
            }
        case .noise:
            simulation.network.lossPercent = simulation.random.below(15)
            simulation.network.slowPercent = simulation.random.below(15)
            simulation.network.repeatPercent = simulation.random.below(15)
        case .transfer: simulation.leader?.transferLeadership(to: nil, token: .max)
        case .repair: simulation.network.repair()
        }
    }
}
