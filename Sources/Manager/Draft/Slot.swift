internal import Model
internal import Platform

/// A place that a service fills with one task at a time: a number in replicated services, a node in global ones.
enum SlotKey: Hashable, Comparable {
    case number(Int)
    case node(String)
}

/// A slot's tasks, those to be removed left out.
struct Slot {
    let key: SlotKey
    /// Oldest first.
    private(set) var tasks: [ClusterTask]

    /// The tasks of a service by slot, ordered by key; tasks that are to be removed have none.
    static func group(_ tasks: [ClusterTask]) -> [Slot] {
        var bySlot: [SlotKey: [ClusterTask]] = [:]
        for task in tasks where task.desiredState != .remove {
            guard let key = key(of: task) else { continue }
            bySlot[key, default: []].append(task)
        }
        return bySlot.keys.sorted().map { key in Slot(key: key, tasks: bySlot[key] ?? []) }
    }

    static func key(of task: ClusterTask) -> SlotKey? { task.slot.map(SlotKey.number) ?? task.nodeID.map(SlotKey.node) }

    init(key: SlotKey, tasks: [ClusterTask]) {
        self.key = key
        self.tasks = tasks.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    /// Those that are to run, or to be made ready for it.
    var active: [ClusterTask] { tasks.filter { $0.desiredState <= .running } }

    var hasActive: Bool { tasks.contains { $0.desiredState <= .running } }

    var newest: ClusterTask? { tasks.last }

    var number: Int? {
        if case .number(let number) = key { number } else { nil }
    }

    var nodeID: String? {
        if case .node(let nodeID) = key { nodeID } else { nil }
    }

    /// Whether nothing is to be done though no task is active: the last one ended and its policy wants no other.
    func isSettled(for service: Service) -> Bool {
        guard !hasActive, let newest else { return false }
        return !RestartPolicy.wantsReplacement(of: newest, in: service)
    }
}
