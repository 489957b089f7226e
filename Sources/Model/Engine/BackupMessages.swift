public import Platform

/// The headers of a backup's answer.
public enum BackupHeaders {
    public static let cluster = "Martlet-Cluster"
    public static let revision = "Martlet-Revision"
    /// Why it is not known to hold everything that the cluster acknowledged; absent where it is.
    public static let doubt = "Martlet-Doubt"
}

/// What every backup begins and ends with, whatever its version.
public enum BackupFrame {
    public static let magic: [UInt8] = Array("MRTLBKUP".utf8)
    /// The SHA-256 of every byte before it.
    public static let digestBytes = 32
}

/// What a restored cluster says of itself.
public struct RestoreAnswer: Codable, Sendable, Equatable {
    public var clusterID: String
    /// This node, its only manager.
    public var nodeID: String
    /// `IP:PORT` where the others reach it.
    public var address: String
    public var revision: UInt64
    public var rows: UInt64
    public var takenAt: Timestamp
    /// Nodes of the state that are to come back.
    public var workers: Int

    public init(
        clusterID: String, nodeID: String, address: String, revision: UInt64, rows: UInt64, takenAt: Timestamp,
        workers: Int
    ) {
        self.clusterID = clusterID
        self.nodeID = nodeID
        self.address = address
        self.revision = revision
        self.rows = rows
        self.takenAt = takenAt
        self.workers = workers
    }

    enum CodingKeys: String, CodingKey {
        case clusterID = "ClusterID"
        case nodeID = "NodeID"
        case address = "Address"
        case revision = "Revision"
        case rows = "Rows"
        case takenAt = "TakenAt"
        case workers = "Workers"
    }
}
