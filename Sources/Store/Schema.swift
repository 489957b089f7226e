internal import Model

/// The tables and the command kinds a member understands, put together once at start.
public struct Schema: Sendable {
    /// Sorted by name.
    public let tables: [TableSchema]
    public let kinds: [String: any CommandKind]
    /// Sorted by name.
    public let parts: [any StatePart.Type]
    /// Kinds are few, and looked up for every command: by their bytes, in the order of names.
    private let spelled: [(name: [UInt8], kind: any CommandKind)]

    /// Programmer error to give a table or a kind twice.
    public init(tables: [TableSchema], kinds: [any CommandKind] = [], parts: [any StatePart.Type] = []) {
        let all: [any CommandKind] = [ObjectsCommand()] + kinds
        self.tables = tables.sorted { $0.name < $1.name }
        self.kinds = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
        self.parts = parts.sorted { $0.name < $1.name }
        spelled = all.sorted { $0.name < $1.name }.map { (Array($0.name.utf8), $0) }
        precondition(Set(tables.map(\.name)).count == tables.count, "a table registered twice")
    }

    /// The cluster's own objects.
    public static let cluster = Schema(tables: clusterTables)

    public static let clusterTables: [TableSchema] = [
        TableSchema(of: Cluster.self),
        TableSchema(of: ClusterSecrets.self),
        TableSchema(of: Node.self, uniqueNames: false),
        TableSchema(of: Service.self),
        TableSchema(
            of: ClusterTask.self,
            indexes: [
                TaskIndex.service: { [$0.serviceID] },
                TaskIndex.node: { $0.nodeID.map { [$0] } ?? [] },
                TaskIndex.waiting: { $0.status.state < .assigned ? [TaskIndex.waiting] : [] },
            ]),
        TableSchema(of: Network.self),
        TableSchema(of: RemovedNode.self, uniqueNames: false),
        TableSchema(of: Secret.self, level: 2),
        TableSchema(of: Config.self, level: 2),
        TableSchema(of: AccessToken.self, level: 4),
        TableSchema(of: ClientCertificate.self, uniqueNames: false, level: CommandLevel.clientCertificates),
    ]

    func kind(spelled name: ArraySlice<UInt8>) -> (any CommandKind)? {
        for index in spelled.indices where spelled[index].name.count == name.count {
            if spelled[index].name[...] == name { return spelled[index].kind }
        }
        return nil
    }

    func partIndex(_ name: String) -> Int? { parts.firstIndex { $0.name == name } }

    func tableIndex(_ name: String) -> Int? { tables.firstIndex { $0.name == name } }
}

/// The names of the task table's indexes.
public enum TaskIndex {
    public static let service = "service"
    public static let node = "node"
    /// Its only key is its name: tasks that have no node yet.
    public static let waiting = "waiting"
}
