internal import Model
internal import Store

/// Keeps as many slots filled as a replicated service asks for.
enum ReplicatedOrchestrator {
    static func plan(_ service: Service, _ draft: inout Draft) {
        guard let replicas = service.spec.replicas else { return }
        let wanted = Int(clamping: replicas)
        let slots = Slot.group(draft.snapshot.tasks(ofService: service.id))
        let occupied = slots.filter { $0.hasActive || $0.isSettled(for: service) }
        if occupied.count < wanted {
            fill(service, slots: slots, occupied: occupied, missing: wanted - occupied.count, &draft)
        } else if occupied.count > wanted {
            for slot in surplus(occupied, wanted: wanted, in: service) {
                for task in slot.tasks { draft.desire(.remove, of: task) }
            }
        }
    }

    private static func fill(
        _ service: Service, slots: [Slot], occupied: [Slot], missing: Int, _ draft: inout Draft
    ) {
        var missing = missing
        let taken = Set(occupied.compactMap(\.number))
        for slot in slots where missing > 0 && !taken.contains(slot.number ?? 0) {
            guard let previous = slot.newest else { continue }
            RestartSupervisor.replace(previous, in: service, &draft)
            missing -= 1
        }
        let known = Set(slots.compactMap(\.number))
        var number = 1
        while missing > 0 {
            if !known.contains(number) {
                draft.put(TaskFactory.make(for: service, slot: number, nodeID: nil, after: nil, &draft))
                missing -= 1
            }
            number += 1
        }
    }

    /// The slots to give up: first those that do not run, then those on nodes that have most of the service's tasks, the
    /// highest numbers first.
    private static func surplus(_ slots: [Slot], wanted: Int, in service: Service) -> ArraySlice<Slot> {
        let runsFirst = slots.sorted { left, right in
            (isRunning(left) ? 0 : 1, left.key) < (isRunning(right) ? 0 : 1, right.key)
        }
        var placed: [String: Int] = [:]
        let ranked = runsFirst.map { slot -> (slot: Slot, isRunning: Bool, nth: Int) in
            guard let nodeID = slot.active.last?.nodeID else { return (slot, isRunning(slot), 0) }
            placed[nodeID, default: 0] += 1
            return (slot, isRunning(slot), placed[nodeID] ?? 0)
        }
        let keepFirst = ranked.sorted { left, right in
            (left.isRunning ? 0 : 1, left.nth, left.slot.key) < (right.isRunning ? 0 : 1, right.nth, right.slot.key)
        }
        return keepFirst.map(\.slot)[wanted...]
    }

    private static func isRunning(_ slot: Slot) -> Bool { slot.active.contains { $0.status.state == .running } }
}
