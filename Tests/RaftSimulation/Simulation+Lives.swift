internal import Raft

/// How members start, stop, and lose what they had.
extension Simulation {
    package func start(_ member: SimulatedMember) {
        guard !member.isLost else { return }
        member.restartAt = nil
        forgetTurn(of: member)
        member.pausedUntil = 0
        trace.note("start", now, member.id.value)
        do {
            if options.sealsFiles { member.keys.restart() }
            defer { member.keys.started() }
            member.driver = try RaftDriver(
                id: member.id, settings: options.settings, disk: member.disk, sealing: member.keys.sealing,
                stateMachine: member.machine, transport: self, seed: random.next(),
                now: MonotonicInstant(nanoseconds: member.clock.reading(at: now)))
            member.driver?.writesSnapshotsElsewhere = true
            member.driver?.onLeadership = { [unowned member] in member.told = ($0, $1?.nanoseconds ?? 0) }
            if let driver = member.driver { note(member.brokenPromise(driver.core)) }
            run(member)
        } catch {
            end(member, error)
        }
    }

    /// A member has stopped by itself.
    func end(_ member: SimulatedMember, _ error: any Error) {
        trace.note("end", now, member.id.value)
        trace.explain("\(error)")
        member.driver = nil
        if member.disk.hasLostPower {
            powerOff(member, for: 50_000_000 + random.below(1_500_000_000))
        } else if member.disk.hasFailed {
            kill(member, for: 50_000_000 + random.below(1_500_000_000))
        } else if (error as? RaftError)?.code == .diskFull {
            kill(member, for: 500_000_000)
        } else if member.isDamaged, (error as? RaftError)?.code == .corrupted {
            member.isLost = true
        } else {
            member.failure = error
            note("\(member.id) stopped: \(error)")
        }
    }

    /// Cuts the power; what was not synced is gone. It starts again after `duration`.
    package func powerOff(_ member: SimulatedMember, for duration: UInt64) {
        trace.note("power off", now, member.id.value)
        member.driver = nil
        forgetTurn(of: member)
        member.machine.losePower()
        member.disk.restorePower()
        member.restartAt = now + duration
    }

    /// Ends the process; what was written is there. It starts again after `duration`.
    package func kill(_ member: SimulatedMember, for duration: UInt64) {
        trace.note("kill", now, member.id.value)
        member.driver = nil
        forgetTurn(of: member)
        member.machine.processEnded()
        member.disk.processEnded()
        member.restartAt = now + duration
    }

    /// What waits for it, and what its threads are at, ends with the process.
    private func forgetTurn(of member: SimulatedMember) {
        member.mailbox = []
        member.snapshotWork = []
        member.snapshotWaits.end()
        member.readRounds = ReadRounds()
        member.told = (0, 0)
        member.readyTerm = 0
    }

    /// What the threads beside the member's own do: begun by a turn, done at another time.
    func beginSnapshotWork(of driver: RaftDriver, _ member: SimulatedMember) {
        for work in driver.takeSnapshotWork() {
            let usual = random.below(random.below(4) == 0 ? 1_500_000_000 : 50_000_000)
            let duration = work is SnapshotJob ? returnFollower(of: driver) : nil
            member.snapshotWork.append((now + (duration ?? usual), work))
        }
    }

    func endSnapshotWork(of member: SimulatedMember) {
        let work = member.snapshotWork.removeFirst().work
        guard work.isReady else {
            // Another thread would wait.
            member.snapshotWork.append((now + 1_000_000 + random.below(50_000_000), work))
            return
        }
        trace.note("snapshot work", now, member.id.value, work.metadata.index)
        let failure = work.carryOut()
        // It was another thread that hung.
        _ = member.disk.takeStall()
        give(.finished(work, failure), to: member)
    }

    /// Flips a bit of log, votes or snapshot while the power is off. One member at most is lost to this, and never the
    /// majority of a group: what only the lost ones had may be gone then, whoever wrote the program.
    func flipBit(of member: SimulatedMember) {
        let isEnough = members.allSatisfy { other in
            guard let configuration = other.driver?.core.configuration, !configuration.voters.isEmpty else {
                return true
            }
            return configuration.voters.count >= 3 && (!configuration.isJoint || configuration.outgoing.count >= 3)
        }
        guard isEnough, options.members >= 3, !members.contains(where: \.isDamaged) else { return }
        powerOff(member, for: 20_000_000 + random.below(500_000_000))
        let names = member.disk.names.filter { $0.hasPrefix("segment-") || $0.hasPrefix("snapshot-") || $0 == "vote" }
        guard !names.isEmpty else { return }
        let name = names[Int(random.below(UInt64(names.count)))]
        trace.explain("a bit of \(name) flips")
        member.isDamaged = member.disk.flipBit(in: name)
    }
}
