import Model
import Platform
import Store
import Testing

@testable import Manager

/// Holds every change of the state against what must always hold.
struct InvariantWatch {
    private let seed: UInt64
    private var lastHeld: [String: (owner: String, until: Duration)] = [:]
    private var held: [String: String] = [:]
    /// Services that ever were updated so: two tasks in a slot are right for them, for a while.
    private var startFirst: Set<String> = []

    init(seed: UInt64) { self.seed = seed }

    mutating func check(_ before: Snapshot, _ after: Snapshot, at elapsed: Duration) {
        checkTasks(before, after)
        checkSlots(after)
        checkAddresses(after, at: elapsed)
        checkPorts(after)
    }

    private func fail(_ text: String) { Issue.record("seed \(seed): \(text)") }

    private func checkTasks(_ before: Snapshot, _ after: Snapshot) {
        for old in before.all(ClusterTask.self) {
            guard let new = after.get(ClusterTask.self, old.id) else {
                if !old.status.state.isTerminal && old.status.state >= .assigned {
                    let isLost = old.nodeID.map { after.get(Node.self, $0) == nil } ?? true
                    if !isLost { fail("task \(old.id) was deleted in state \(old.status.state)") }
                }
                continue
            }
            if new.status.state < old.status.state { fail("task \(old.id) went back to \(new.status.state)") }
            if new.desiredState < old.desiredState { fail("task \(old.id) is to go back to \(new.desiredState)") }
            if let node = old.nodeID, new.nodeID != node { fail("task \(old.id) moved from \(node)") }
            if old.desiredState <= .running && new.desiredState > .running { checkCause(old, before) }
        }
    }

    /// A live task on a healthy node is only stopped for a reason.
    private func checkCause(_ task: ClusterTask, _ before: Snapshot) {
        guard task.status.state.isOnNode, let service = before.get(Service.self, task.serviceID) else { return }
        guard let node = task.nodeID.flatMap({ before.get(Node.self, $0) }) else { return }
        guard node.status.state == .ready, node.spec.availability == .active else { return }
        let slots = Slot.group(before.tasks(ofService: service.id)).filter(\.hasActive)
        let isSurplus = service.spec.replicas.map { slots.count > Int($0) } ?? false
        let isOutdated = TaskFactory.isDirty(task, in: service, node)
        if !isSurplus && !isOutdated && ConstraintEnforcer.fits(service, on: node) {
            fail("task \(task.id) (\(task.status.state)) on healthy \(node.id) was stopped without a cause")
        }
    }

    private mutating func checkSlots(_ after: Snapshot) {
        for service in after.all(Service.self) {
            if service.spec.updateConfig?.order == "start-first" { startFirst.insert(service.id) }
            let startsFirst = startFirst.contains(service.id)
            for slot in Slot.group(after.tasks(ofService: service.id)) {
                let live = slot.active.filter { !$0.status.state.isTerminal }
                if live.count > (startsFirst ? 2 : 1) { fail("\(live.count) live tasks in slot \(slot.key)") }
                let started = slot.tasks.filter {
                    $0.status.state >= .starting && $0.status.state <= .running
                        && $0.nodeID.flatMap { after.get(Node.self, $0) }?.status.state == .ready
                        && ($0.desiredState <= .running)
                }
                if started.count > (startsFirst ? 2 : 1) { fail("\(started.count) started tasks in \(slot.key)") }
            }
        }
    }

    private mutating func checkAddresses(_ after: Snapshot, at elapsed: Duration) {
        var present: [String: String] = [:]
        func take(_ network: String, _ address: String, _ owner: String) {
            let key = "\(network) \(address)"
            if let other = present[key] { fail("\(key) is held by \(other) and \(owner)") }
            present[key] = owner
        }
        for task in after.all(ClusterTask.self) where !task.status.state.isTerminal {
            for attachment in task.networksAttachments ?? [] {
                for address in attachment.addresses { take(attachment.network.id, address, task.id) }
            }
        }
        for service in after.all(Service.self) {
            for vip in service.endpoint.virtualIPs ?? [] { take(vip.networkID, vip.address, service.id) }
        }
        for network in after.all(Network.self) {
            for (node, address) in network.nodeAddresses ?? [:] { take(network.id, address, node) }
        }
        // Whoever leads then: what was given up stands in the state.
        for (key, owner) in held where present[key] != owner {
            lastHeld[key] = (owner, elapsed + .seconds(29))
        }
        for (key, owner) in present where held[key] != owner {
            if let last = lastHeld[key], last.owner != owner, last.until > elapsed {
                fail("\(key) went from \(last.owner) to \(owner) without rest")
            }
        }
        held = present
    }

    private func checkPorts(_ after: Snapshot) {
        var holders: [String: String] = [:]
        for service in after.all(Service.self) {
            for port in service.endpoint.ports ?? [] where port.publishMode == .ingress {
                let key = "\(port.transport?.rawValue ?? "tcp") \(port.publishedPort ?? 0)"
                if let other = holders[key] { fail("port \(key) is held by \(other) and \(service.id)") }
                holders[key] = service.id
            }
        }
    }
}
