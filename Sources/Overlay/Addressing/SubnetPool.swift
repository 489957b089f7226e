public import Platform

/// Cuts subnets of one length out of a larger prefix, lowest first, so that equal histories give equal subnets.
///
/// A pure value: the manager's allocator rebuilds it from the networks in the store with `reserve`.
public struct SubnetPool: Sendable, Equatable {
    /// Where overlay networks come from when their maker names no subnet.
    public static let overlayDefault = SubnetPool(
        base: IPv4Prefix(address: IPv4Address(10, 0, 0, 0), length: 8), subnetLength: 24)
    /// The subnet of the network that carries published ports.
    public static let ingressDefault = IPv4Prefix(address: IPv4Address(10, 255, 0, 0), length: 16)
    /// Where each node takes the subnet of its gateway bridge from.
    public static let gatewayDefault = SubnetPool(
        base: IPv4Prefix(address: IPv4Address(172, 16, 0, 0), length: 12), subnetLength: 16)

    public let base: IPv4Prefix
    /// Prefix length of the subnets given out.
    public let subnetLength: Int
    /// In use, ordered by address.
    public private(set) var reserved: [IPv4Prefix] = []

    /// - Precondition: `subnetLength` is between the base's length and 30.
    public init(base: IPv4Prefix, subnetLength: Int) {
        precondition(subnetLength >= base.length && subnetLength <= 30)
        self.base = base
        self.subnetLength = subnetLength
    }

    /// Takes the lowest free subnet that overlaps neither a reserved one nor any of `others` (the hosts' routes).
    public mutating func allocate(avoiding others: [IPv4Prefix] = []) throws(OverlayError) -> IPv4Prefix {
        let step = UInt64(1) << UInt64(32 - subnetLength)
        var start = UInt64(base.first.value)
        let end = UInt64(base.last.value)
        while start + step - 1 <= end {
            let candidate = IPv4Prefix(address: IPv4Address(value: UInt32(start)), length: subnetLength)
            let obstacle = (reserved + others).filter { $0.overlaps(candidate) }
                .max { $0.last < $1.last }
            guard let obstacle else {
                insert(candidate)
                return candidate
            }
            let next = UInt64(max(obstacle.last.value, candidate.last.value)) + 1
            start = (next + step - 1) / step * step
        }
        throw OverlayError(
            .subnetsExhausted, "no free /\(subnetLength) in the address pool \(base): \(reserved.count) in use")
    }

    /// Takes a subnet that its owner named; it may lie outside the pool.
    public mutating func reserve(_ subnet: IPv4Prefix) throws(OverlayError) {
        if let taken = reserved.first(where: { $0.overlaps(subnet) }) {
            throw OverlayError(.subnetOverlaps, "subnet \(subnet) overlaps \(taken), which is in use")
        }
        insert(subnet)
    }

    /// Gives a subnet back; one that is not reserved is ignored.
    public mutating func release(_ subnet: IPv4Prefix) {
        reserved.removeAll { $0 == subnet }
    }

    private mutating func insert(_ subnet: IPv4Prefix) {
        let place = reserved.firstIndex { $0.first > subnet.first } ?? reserved.endIndex
        reserved.insert(subnet, at: place)
    }
}
