public import Platform

/// Where a node's part of the cluster's networks lives, and what its kernel objects are called.
///
/// Every name is derived from ids alone, so that the next process finds what this one made.
public struct NodeNetworkConfiguration: Sendable {
    public var nodeID: String
    /// Namespaces are pinned under `netns/<node id>` of it.
    public var runDirectory: String
    /// The namespace that plays the host; nil is the process's own.
    public var hostNamespace: NetworkNamespace?
    /// This node's address on the underlay, where its VXLAN traffic comes from.
    public var dataPathAddress: IPv4Address
    /// UDP port of VXLAN, the same on all nodes.
    public var dataPathPort: UInt16
    /// Where the subnet of the gateway bridge comes from.
    public var gatewayPool: SubnetPool
    /// How often the kernel is looked at for drift; nil: only when `repair` is called.
    public var repairInterval: Duration?

    public init(
        nodeID: String, runDirectory: String, hostNamespace: NetworkNamespace? = nil, dataPathAddress: IPv4Address,
        dataPathPort: UInt16 = 4789, gatewayPool: SubnetPool = .gatewayDefault,
        repairInterval: Duration? = .seconds(10)
    ) {
        self.nodeID = nodeID
        self.runDirectory = runDirectory
        self.hostNamespace = hostNamespace
        self.dataPathAddress = dataPathAddress
        self.dataPathPort = dataPathPort
        self.gatewayPool = gatewayPool
        self.repairInterval = repairInterval
    }

    /// Six digits that stand for the node where a name must be short.
    var nodeTag: String { StableHash.text(of: nodeID.utf8, digits: 6) }
    var gatewayBridge: String { "mgw-\(nodeTag)" }
    /// The host's own leg on the ingress network.
    var ingressLeg: String { "min-\(nodeTag)" }
    var hostTable: String { "martlet-\(nodeTag)" }
    var namespaceDirectory: String { "\(runDirectory)/netns/\(nodeID)" }

    private static let networkPrefix = "network-"
    private static let sandboxPrefix = "sandbox-"

    var host: Place { Place(namespace: hostNamespace) }

    func networkNamespace(_ networkID: String) -> NetworkNamespace {
        .open("\(namespaceDirectory)/\(Self.networkPrefix)\(networkID)")
    }

    func sandboxNamespace(_ taskID: String) -> NetworkNamespace {
        .open("\(namespaceDirectory)/\(Self.sandboxPrefix)\(taskID)")
    }

    /// The ids of the networks and tasks whose namespaces are pinned here, ordered.
    func pinned() throws -> (networks: [String], tasks: [String]) {
        guard Files.isDirectory(namespaceDirectory) else { return ([], []) }
        let names = try Files.list(namespaceDirectory).sorted()
        func ids(_ prefix: String) -> [String] {
            names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
        return (ids(Self.networkPrefix), ids(Self.sandboxPrefix))
    }

    /// The bridge port of a task in each of its networks' namespaces.
    static func overlayPort(_ taskID: String) -> String { "mo" + StableHash.text(of: taskID.utf8, digits: 12) }
    /// The port of a task's leg on the gateway bridge.
    static func gatewayPort(_ taskID: String) -> String { "mg" + StableHash.text(of: taskID.utf8, digits: 12) }

    /// Ids become file names: letters, digits, `.`, `_`, `-`, not starting with a dot.
    static func isSafeName(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= 128 && id.first != "."
            && id.utf8.allSatisfy {
                switch $0 {
                case 48...57, 65...90, 97...122, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
