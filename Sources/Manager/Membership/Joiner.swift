public import Model

/// A node on its way into the cluster, as whoever checked its token or founded with it describes it.
public struct Joiner: Sendable {
    public var nodeID: String
    public var role: NodeRole
    public var description: NodeDescription
    public var availability: NodeAvailability
    /// `IP:PORT` of its cluster port.
    public var address: String
    /// Where other nodes' VXLAN devices reach it.
    public var dataPathAddress: String
    /// Which roots it uses, where that is known.
    public var certificate: NodeCertificate?

    public init(
        nodeID: String, role: NodeRole, description: NodeDescription, availability: NodeAvailability, address: String,
        dataPathAddress: String, certificate: NodeCertificate? = nil
    ) {
        self.nodeID = nodeID
        self.role = role
        self.description = description
        self.availability = availability
        self.address = address
        self.dataPathAddress = dataPathAddress
        self.certificate = certificate
    }
}
