import HTTP
import Model
import Platform

/// Connections between this node and managers, each end proved by its certificate.
struct ClusterLinks: Sendable {
    let authentication: any ChannelAuthentication
    let loop: EventLoop

    enum Limits {
        static let connect: Duration = .seconds(3)
    }

    /// A member's links. `objection` is asked about nodes that connect to this one; nobody may connect to a worker.
    init(
        _ credentials: CurrentCredentials, loop: EventLoop, objection: CertificateAuthentication.Objection? = nil
    ) {
        authentication =
            if let objection { CertificateAuthentication(credentials, objection: objection) } else {
                CertificateAuthentication(credentials)
            }
        self.loop = loop
    }

    /// A channel to the cluster port at `address` (`IP:PORT`); `nodeID` must answer there, where it is given.
    func open(_ purpose: ChannelPurpose, to address: String, expecting nodeID: String? = nil) async throws -> Channel {
        try await Channel.connect(
            to: try Self.parse(address), purpose: purpose, authentication: authentication, expecting: nodeID,
            loop: loop, timeout: Limits.connect)
    }

    /// A client of the API of a manager.
    func apiClient(to manager: ManagerEndpoint) -> HTTPClient {
        HTTPClient(host: manager.nodeID, name: "manager \(manager.nodeID) at \(manager.address)", loop: loop) {
            try await ChannelStream(open(.api, to: manager.address, expecting: manager.nodeID))
        }
    }

    static func parse(_ address: String) throws -> SocketAddress {
        guard let parsed = SocketAddress.parse(address) else {
            throw HTTPError(.badRequest, "'\(address)' is not an address of the form IP:PORT")
        }
        return parsed
    }
}

/// A raw channel's bytes; holds on to the channel, which closes when it is let go.
private struct ChannelStream: ByteStream {
    private let channel: Channel

    init(_ channel: Channel) { self.channel = channel }

    nonisolated(nonsending) func read(upTo limit: Int) async throws -> [UInt8] {
        try await channel.stream.read(upTo: limit)
    }
    nonisolated(nonsending) func write(_ bytes: [UInt8]) async throws { try await channel.stream.write(bytes) }
    nonisolated(nonsending) func shutdownWrite() async throws { try await channel.stream.shutdownWrite() }
    func close() { channel.close() }
}

extension PeerIdentity.Role {
    init(_ role: NodeRole) { self = role == .manager ? .manager : .worker }
}
