internal import Model
internal import Platform
internal import Store

/// Replaces tasks made of an older spec, a few slots at a time, and watches how the new ones do. All it knows of an
/// update under way stands in the service and its tasks, so a new leader carries on where the old one was.
struct UpdateSupervisor {
    private enum Progress {
        /// Only tasks of an older spec.
        case outdated
        /// The new task is there, but it does not run yet, or the old one is still to go, or the delay after it runs.
        case underWay
        case done
    }

    private let service: Service
    private let plan: UpdatePlan

    static func plan(_ serviceID: String, _ draft: inout Draft) {
        guard let service = draft.snapshot.get(Service.self, serviceID) else { return }
        UpdateSupervisor(service: service, plan: UpdatePlan(service)).advance(&draft)
    }

    private func advance(_ draft: inout Draft) {
        guard service.updateStatus?.state != UpdateState.paused,
            service.updateStatus?.state != UpdateState.rollbackPaused
        else { return }
        let slots = Slot.group(draft.snapshot.tasks(ofService: service.id)).filter {
            $0.hasActive || $0.isSettled(for: service)
        }
        let isUnderWay = UpdateState.isUnderWay(service.updateStatus?.state)
        var underWay = 0
        var outdated: [Slot] = []
        for slot in slots {
            switch progress(of: slot, &draft) {
            case .outdated: outdated.append(slot)
            case .underWay: underWay += 1
            case .done: break
            }
        }
        guard isUnderWay || !outdated.isEmpty || underWay > 0 && service.updateStatus != nil else { return }
        if isUnderWay, failed(slots, &draft) { return }
        if !isUnderWay && !outdated.isEmpty {
            setStatus(
                UpdateStatus(state: UpdateState.updating, startedAt: draft.now, message: "update in progress"), &draft)
        }
        let room = plan.parallelism.map { max(0, $0 - underWay) } ?? outdated.count
        for slot in order(outdated).prefix(room) { replace(slot, &draft) }
        if isUnderWay && outdated.isEmpty && underWay == 0 { complete(slots, &draft) }
    }

    // MARK: One slot

    private func progress(of slot: Slot, _ draft: inout Draft) -> Progress {
        let active = slot.active
        guard let last = active.last ?? slot.newest else { return .done }
        guard !isDirty(last, draft) else { return .outdated }
        let isRunning = last.status.state == .running && last.desiredState == .running
        let old = active.dropLast().filter { isDirty($0, draft) }
        if !old.isEmpty {
            if isRunning { for task in old { draft.desire(.shutdown, of: task) } }
            return .underWay
        }
        guard service.updateStatus != nil else { return .done }
        guard slot.hasActive else { return .done }
        guard isRunning else { return .underWay }
        guard plan.delay > .zero, let startedAt = service.updateStatus?.startedAt, last.createdAt >= startedAt else {
            return .done
        }
        let end = min(last.status.timestamp, draft.now) + plan.delay
        guard end > draft.now else { return .done }
        draft.wake(service.id, at: end)
        return .underWay
    }

    private func replace(_ slot: Slot, _ draft: inout Draft) {
        let active = slot.active
        // An update that starts first is taken back while both run: what was there before stays.
        if let kept = active.last(where: { $0.status.state == .running && !isDirty($0, draft) }) {
            for other in active where other.id != kept.id { draft.desire(.shutdown, of: other) }
            return
        }
        var task = TaskFactory.make(
            for: service, slot: slot.number, nodeID: slot.nodeID, after: slot.newest, &draft)
        // Only a task that runs is worth keeping until the new one does, and only one.
        let kept = plan.startsFirst ? active.last { $0.status.state == .running } : nil
        for old in active where old.id != kept?.id { draft.desire(.shutdown, of: old) }
        if kept == nil { task.desiredState = .ready }
        draft.put(task)
    }

    /// What is broken is mended first.
    private func order(_ slots: [Slot]) -> [Slot] {
        slots.sorted { left, right in
            (isRunning(left) ? 1 : 0, left.key) < (isRunning(right) ? 1 : 0, right.key)
        }
    }

    private func isRunning(_ slot: Slot) -> Bool { slot.active.contains { $0.status.state == .running } }

    private func isDirty(_ task: ClusterTask, _ draft: Draft) -> Bool {
        TaskFactory.isDirty(task, in: service, task.nodeID.flatMap { draft.snapshot.get(Node.self, $0) })
    }

    // MARK: The whole

    /// Looks for new tasks that ended during the update; true when the update stops for it.
    private func failed(_ slots: [Slot], _ draft: inout Draft) -> Bool {
        guard plan.failureAction != .carryOn, let startedAt = service.updateStatus?.startedAt else { return false }
        var failures: [ClusterTask] = []
        for slot in slots {
            let ended = slot.tasks.first {
                ($0.status.state == .failed || $0.status.state == .rejected) && $0.createdAt >= startedAt
                    && !isDirty($0, draft)
            }
            if let ended { failures.append(ended) }
        }
        guard let first = failures.first, !slots.isEmpty,
            Double(failures.count) / Double(slots.count) > plan.maxFailureRatio
        else { return false }
        let reason = "due to failure or early termination of task \(first.id)"
        guard plan.failureAction == .rollback, let previous = service.previousSpec else {
            var status = service.updateStatus
            status?.state = plan.isRollback ? UpdateState.rollbackPaused : UpdateState.paused
            status?.message = "\(plan.isRollback ? "rollback" : "update") paused \(reason)"
            setStatus(status, &draft)
            return true
        }
        var reverted = service
        reverted.previousSpec = service.spec
        reverted.spec = previous
        reverted.specVersion = service.version
        reverted.updateStatus = UpdateStatus(
            state: UpdateState.rollbackStarted, startedAt: draft.now, message: "update rolled back \(reason)")
        draft.put(reverted)
        draft.wake(service.id, at: draft.now)
        return true
    }

    /// All slots are of the present spec: done once the last of them has run for the monitor's time.
    private func complete(_ slots: [Slot], _ draft: inout Draft) {
        guard var status = service.updateStatus, let startedAt = status.startedAt else { return }
        let running = slots.compactMap { $0.active.last }.filter { $0.createdAt >= startedAt }
        if let last = running.map({ min($0.status.timestamp, draft.now) }).max(), last + plan.monitor > draft.now {
            draft.wake(service.id, at: last + plan.monitor)
            return
        }
        status.state = plan.isRollback ? UpdateState.rollbackCompleted : UpdateState.completed
        status.completedAt = draft.now
        status.message = plan.isRollback ? "rollback completed" : "update completed"
        setStatus(status, &draft)
    }

    private func setStatus(_ status: UpdateStatus?, _ draft: inout Draft) {
        guard var current = draft.snapshot.get(Service.self, service.id) else { return }
        current.updateStatus = status
        draft.put(current)
    }
}
