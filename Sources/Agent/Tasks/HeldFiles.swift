import Model

/// The secrets and configs that the node's tasks use, in memory alone: a daemon that starts has none until a manager sends them.
struct HeldFiles: Sendable {
    private var contents: [String: [UInt8]] = [:]
    /// Whether a manager has said all that the node needs, since the daemon began.
    private var isComplete = false

    mutating func take(_ files: [AssignedFile]) {
        for file in files { contents[file.id] = file.content.bytes }
    }

    /// These are all there are for this node.
    mutating func keep(_ ids: [String]) {
        let kept = Set(ids)
        contents = contents.filter { kept.contains($0.key) }
        isComplete = true
    }

    mutating func drop(_ ids: [String]) {
        for id in ids { contents[id] = nil }
    }

    func supply(of task: ClusterTask) -> TaskStateMachine.Supply {
        let absent = references(of: task).filter { contents[$0.id ?? ""] == nil }
        guard let first = absent.first else { return .complete }
        guard isComplete else { return .awaited }
        return .missing("\(first.secretID != nil ? "secret" : "config") not found: \(first.name ?? "")")
    }

    /// By id.
    func contents(of task: ClusterTask) -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for case let id? in references(of: task).map(\.id) { found[id] = contents[id] }
        return found
    }

    private func references(of task: ClusterTask) -> [FileReference] { task.spec.containerSpec?.files ?? [] }
}
