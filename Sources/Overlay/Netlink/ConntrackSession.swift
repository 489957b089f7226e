import CLinux
import Glibc
import Model
import Platform

/// Tracked connections of one namespace (<linux/netfilter/nfnetlink_conntrack.h>).
final class ConntrackSession {
    /// A tracked connection, as far as it matters here.
    struct Connection: Sendable {
        var transport: UInt8
        var originalDestination: IPv4Address
        /// Who answers: the backend's own address after translation.
        var replySource: IPv4Address
        /// The original direction's tuple, as the kernel wrote it: names the connection when it is deleted.
        fileprivate var originalTuple: [UInt8]
    }

    private let session: NetlinkSession

    /// Opens a socket in the calling thread's namespace.
    convenience init() throws {
        self.init(NetlinkSession(try NetlinkSocket(family: NETLINK_NETFILTER)))
    }

    init(_ session: NetlinkSession) {
        self.session = session
    }

    func connections() throws -> [Connection] {
        let dump = NetlinkSession.Request(Self.type(IPCTNL_MSG_CT_GET), "list connections") { Self.header(&$0) }
        return try session.dump(dump).compactMap { message in
            let attributes = try message.attributes(after: 4)
            guard let original = try attributes.nested(CTA_TUPLE_ORIG), let tuple = attributes[CTA_TUPLE_ORIG],
                let reply = try attributes.nested(CTA_TUPLE_REPLY),
                let destination = try original.nested(CTA_TUPLE_IP)?.address(CTA_IP_V4_DST),
                let source = try reply.nested(CTA_TUPLE_IP)?.address(CTA_IP_V4_SRC),
                let transport: UInt8 = try original.nested(CTA_TUPLE_PROTO)?.number(CTA_PROTO_NUM)
            else { return nil }
            return Connection(
                transport: transport, originalDestination: destination, replySource: source,
                originalTuple: Array(tuple))
        }
    }

    /// Forgets connections; those that are gone already are no error.
    func remove(_ connections: [Connection]) throws {
        let requests = connections.map { connection in
            NetlinkSession.Request(Self.type(IPCTNL_MSG_CT_DELETE), "forget a connection") {
                Self.header(&$0)
                $0.attribute(CTA_TUPLE_ORIG, nested: true) { $0.raw(connection.originalTuple) }
            }
        }
        for case let error? in try session.perform(requests) where error.errno != ENOENT { throw error }
    }

    /// Forgets the datagram flows that were translated and that `isStale` picks: their next datagram chooses anew.
    /// Returns how many.
    @discardableResult
    func forgetDatagramFlows(where isStale: (Connection) -> Bool) throws -> Int {
        let stale = try connections().filter {
            $0.transport == TransportProtocol.udp.number && $0.originalDestination != $0.replySource && isStale($0)
        }
        try remove(stale)
        return stale.count
    }

    private static func type(_ message: some RawRepresentable<UInt32>) -> UInt16 {
        UInt16(NFNL_SUBSYS_CTNETLINK) << 8 | UInt16(truncatingIfNeeded: message.rawValue)
    }

    private static func header(_ writer: inout NetlinkWriter) {
        writer.integer(UInt8(AF_INET))
        writer.integer(UInt8(NFNETLINK_V0))
        writer.integer(UInt16(0))
    }
}
