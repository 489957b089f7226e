internal import Model
internal import Store

/// An object that policies can choose by its labels.
protocol LabelledObject: ClusterObject {
    /// What rules call it, and users.
    static var accessKind: AccessPolicy.Kind { get }

    /// The labels that count for who may do what: none that a node says of itself.
    func accessLabels(in snapshot: Snapshot) -> [String: String]
}

extension Service: LabelledObject {
    static var accessKind: AccessPolicy.Kind { .service }
    func accessLabels(in snapshot: Snapshot) -> [String: String] { spec.labels ?? [:] }
}

extension ClusterTask: LabelledObject {
    static var accessKind: AccessPolicy.Kind { .task }
    /// Those of its service; none once that is gone.
    func accessLabels(in snapshot: Snapshot) -> [String: String] {
        snapshot.get(Service.self, serviceID)?.spec.labels ?? [:]
    }
}

extension Node: LabelledObject {
    static var accessKind: AccessPolicy.Kind { .node }
    func accessLabels(in snapshot: Snapshot) -> [String: String] { spec.labels ?? [:] }
}

extension Network: LabelledObject {
    static var accessKind: AccessPolicy.Kind { .network }
    func accessLabels(in snapshot: Snapshot) -> [String: String] { labels }
}

extension FileObject: LabelledObject {
    static var accessKind: AccessPolicy.Kind { Kind.kind }
    func accessLabels(in snapshot: Snapshot) -> [String: String] { spec.labels ?? [:] }
}
