import Model

extension TransportProtocol {
    /// The protocol number of IP (RFC 790).
    var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
}
