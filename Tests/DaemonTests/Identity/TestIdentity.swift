import Platform

@testable import Daemon

extension NodeIdentity {
    /// The first manager of a cluster `c1` of its own.
    static func founder() throws -> NodeIdentity {
        var configuration = DaemonConfiguration()
        configuration.advertiseAddress = .ipv4(.loopback, 2377)
        return try NodeIdentity(
            founding: NodeAddresses(
                configuration: configuration, advertise: nil, dataPath: nil, dataPathPort: nil, towards: nil),
            clusterID: "c1", by: .make(clusterID: "c1"))
    }
}
