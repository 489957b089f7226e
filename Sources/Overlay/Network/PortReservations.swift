import CLinux
import Glibc
import Model
import Platform

/// Holds a socket on every published port, so that no other program of this node takes it; nothing is ever accepted on it,
/// since packets are translated before they get there.
struct PortReservations {
    struct Key: Hashable, Comparable, Sendable {
        var transport: TransportProtocol
        var port: UInt16

        static func < (left: Key, right: Key) -> Bool {
            (left.port, left.transport.rawValue) < (right.port, right.transport.rawValue)
        }
    }

    /// Closes its socket when the last holder lets go.
    private final class Reservation: Sendable {
        let descriptor: Descriptor

        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private var held: [Key: Reservation] = [:]

    /// Holds exactly these ports of the host.
    ///
    /// - Returns: the ports that somebody else has, with the reason.
    mutating func reserve(_ wanted: Set<Key>, in host: Place) throws -> [Key: SystemError] {
        for key in held.keys where !wanted.contains(key) { held[key] = nil }
        // SCTP has sockets only where its module is loaded, and hardly anybody to take a port.
        let missing = wanted.filter { held[$0] == nil && $0.transport != .sctp }.sorted()
        if missing.isEmpty { return [:] }
        let outcomes = try host.run {
            missing.map { key -> Result<Reservation, SystemError> in
                do throws(SystemError) {
                    return .success(Reservation(try Self.bind(key)))
                } catch {
                    return .failure(error)
                }
            }
        }
        var failures: [Key: SystemError] = [:]
        for (key, outcome) in zip(missing, outcomes) {
            switch outcome {
            case .success(let reservation): held[key] = reservation
            case .failure(let error): failures[key] = error
            }
        }
        return failures
    }

    private static func bind(_ key: Key) throws(SystemError) -> Descriptor {
        let isStream = key.transport == .tcp
        let type = Int32(isStream ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let subject = "\(key.port)/\(key.transport.rawValue)"
        let descriptor = Descriptor(
            owning: try checked(socket(AF_INET, type, Int32(key.transport.number)), "socket", subject))
        if isStream {
            // Connections of an earlier holder that are still closing are no obstacle.
            var on: Int32 = 1
            setsockopt(descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        }
        let bound = try SocketAddress.ipv4(.any, key.port).withSockaddr { Glibc.bind(descriptor.rawValue, $0, $1) }
        try checked(bound, "bind", subject)
        if isStream { try checked(listen(descriptor.rawValue, 1), "listen", subject) }
        return descriptor
    }
}
