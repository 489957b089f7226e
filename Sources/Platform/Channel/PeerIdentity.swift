/// Who a node is, as its certificate says.
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// What a node may do in a cluster.
    public enum Role: Sendable, Hashable {
        case worker
        case manager
        /// It has shown no certificate: it may ask to be taken in, and nothing else.
        case stranger
    }

    /// The longest identifier in bytes.
    public static let identifierLimit = 64
    /// One without a certificate.
    public static let stranger = PeerIdentity(nodeID: "", role: .stranger, clusterID: "")

    /// Empty for a stranger.
    public let nodeID: String
    public let role: Role
    /// Empty for a stranger.
    public let clusterID: String
    /// How often the node has been made a manager since it joined: each time it is another member of the consensus group, for
    /// it begins with nothing.
    public let incarnation: UInt32

    /// Identifiers are at most 64 printable ASCII characters: anything else is a programmer's error.
    public init(nodeID: String, role: Role, clusterID: String, incarnation: UInt32 = 0) {
        precondition(Self.isIdentifier(nodeID) && Self.isIdentifier(clusterID), "not an identifier")
        self.nodeID = nodeID
        self.role = role
        self.clusterID = clusterID
        self.incarnation = incarnation
    }

    static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count <= identifierLimit && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    public var description: String {
        if role == .stranger { return "a node without a certificate" }
        return "\(role) \(nodeID) of \(clusterID)" + (incarnation == 0 ? "" : " (incarnation \(incarnation))")
    }
}
