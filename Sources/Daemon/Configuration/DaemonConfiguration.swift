public import Platform

/// What `clusterd` was started with: flags over the configuration file over defaults.
public struct DaemonConfiguration: Sendable {
    public var dataDirectory = "/var/lib/clusterd"
    public var runDirectory = "/run/clusterd"
    /// Where the Engine API is served; the first is the default of local clients.
    public var hosts: [SocketAddress] = []
    /// What the node is called in the cluster; nil means the host's name.
    public var name: String?
    /// The cluster port: Raft, dispatch, forwarded API calls and joins.
    public var listenAddress = SocketAddress.ipv4(IPv4Address.any, 2377)
    /// Where other nodes reach the cluster port; nil means from the route to them.
    public var advertiseAddress: SocketAddress?
    /// Where other nodes' VXLAN devices send to; nil means the advertised address.
    public var dataPathAddress: IPv4Address?
    public var dataPathPort: UInt16 = 4789
    /// What the API over TCP proves itself with, where that is not the cluster's own.
    public var apiTLS: APITLSFiles?
    /// Serve the API over TCP to anybody, without TLS.
    public var opensAPI = false
    /// Where calls that change something are written down.
    public enum AuditLogPlace: Sendable, Equatable {
        /// `audit.log` in the data directory.
        case standard
        case file(String)
        case off
    }
    public var auditLog = AuditLogPlace.standard
    /// Write down as well what comes in on the discovery port.
    public var auditsDiscovery = false
    /// Where the Consul HTTP API is served; nil for nowhere.
    public var discoveryAddress: SocketAddress? = .ipv4(IPv4Address(127, 0, 0, 1), 8500)
    /// Whether a manager that leads answers reads by its lease. Where clocks cannot be relied on a majority confirms each.
    public var readsByLease = true
    public var metricsAddress: SocketAddress?
    /// `runc`, `crun`, `runsc` or a path.
    public var runtime = "runc"
    /// Entries of the managers' log after which a snapshot of their state is taken; nil: as is best for most.
    public var snapshotEntries: UInt64?
    /// Make the cluster anew with this manager alone: its quorum is lost.
    public var forcesNewCluster = false
    public var logLevel = Logger.Level.info
    public var logFormat = Logger.Format.text

    public init() {}

    /// The audit log's path; nil for none.
    public var auditLogPath: String? {
        switch auditLog {
        case .standard: dataDirectory + "/audit.log"
        case .file(let path): path
        case .off: nil
        }
    }

    /// The address of the API's unix socket that every node has.
    public var controlSocket: SocketAddress { hosts.first ?? .unix(runDirectory + "/clusterd.sock") }
}

/// Why the daemon could not start as asked; the text says what to change.
public struct ConfigurationError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
