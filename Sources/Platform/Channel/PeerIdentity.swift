/// Who a node says it is; true once its connection is authenticated.
public struct PeerIdentity: Sendable, Hashable, CustomStringConvertible {
    /// What a node may do in a cluster. One that joins names the role of its token.
    public enum Role: UInt8, Sendable, Hashable {
        case worker = 1
        case manager = 2
    }

    /// The longest identifier in bytes.
    public static let identifierLimit = 64

    /// Empty for a node that has none yet.
    public let nodeID: String
    public let role: Role
    /// Empty for a node that knows none yet.
    public let clusterID: String

    /// Identifiers are at most 64 printable ASCII characters: anything else is a programmer's error.
    public init(nodeID: String, role: Role, clusterID: String) {
        precondition(Self.isIdentifier(nodeID) && Self.isIdentifier(clusterID), "not an identifier")
        self.nodeID = nodeID
        self.role = role
        self.clusterID = clusterID
    }

    static func isIdentifier(_ text: String) -> Bool {
        text.utf8.count <= identifierLimit && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    public var description: String {
        "\(role) \(nodeID.isEmpty ? "without id" : nodeID) of \(clusterID.isEmpty ? "no cluster" : clusterID)"
    }
}
