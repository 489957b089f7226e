public import Platform

/// Gives out the addresses of one subnet, walking upwards from the last one given, so that an address rests as long as
/// possible before it is used again; a released one is quarantined besides.
///
/// A pure value: time comes in as a reading of a monotonic clock. The network, broadcast and gateway addresses are never
/// given out.
public struct AddressAllocator: Sendable, Equatable {
    /// How long a released address rests: longer than any DNS answer or connection attempt to its last owner lives.
    public static let defaultQuarantine = Duration.seconds(30)

    public let subnet: IPv4Prefix
    public let gateway: IPv4Address
    public let quarantine: Duration
    public private(set) var inUse: Set<IPv4Address> = []
    private var restingUntil: [IPv4Address: Duration] = [:]
    private var lastGiven: IPv4Address

    /// - Parameter gateway: nil takes the subnet's first host address.
    public init(subnet: IPv4Prefix, gateway: IPv4Address? = nil, quarantine: Duration = Self.defaultQuarantine) {
        self.subnet = subnet
        self.gateway = gateway ?? IPv4Address(value: subnet.first.value &+ 1)
        self.quarantine = quarantine
        self.lastGiven = subnet.first
    }

    /// How many addresses the subnet has to give.
    public var capacity: Int {
        let hosts = Int(subnet.last.value) - Int(subnet.first.value) - 1
        return max(0, hosts - (isHost(gateway) ? 1 : 0))
    }

    /// The next free address after the one given last.
    public mutating func allocate(at now: Duration) throws(OverlayError) -> IPv4Address {
        restingUntil = restingUntil.filter { $0.value > now }
        let first = UInt64(subnet.first.value) + 1
        let last = UInt64(subnet.last.value)  // The broadcast address: one past the hosts.
        guard inUse.count + restingUntil.count < capacity, first < last else { throw exhausted() }
        var candidate = UInt64(lastGiven.value)
        for _ in first..<last {
            candidate += 1
            if candidate < first || candidate >= last { candidate = first }
            let address = IPv4Address(value: UInt32(candidate))
            if address != gateway && !inUse.contains(address) && restingUntil[address] == nil {
                inUse.insert(address)
                lastGiven = address
                return address
            }
        }
        throw exhausted()
    }

    /// Takes one address by name: what the store says a task has, or what a user asked for.
    public mutating func reserve(_ address: IPv4Address) throws(OverlayError) {
        guard isHost(address) else {
            throw OverlayError(.addressUnavailable, "address \(address) is not a host address of \(subnet)")
        }
        guard address != gateway else {
            throw OverlayError(.addressUnavailable, "address \(address) is the gateway of \(subnet)")
        }
        guard inUse.insert(address).inserted else {
            throw OverlayError(.addressUnavailable, "address \(address) of \(subnet) is in use")
        }
        restingUntil[address] = nil
        lastGiven = max(lastGiven, address)
    }

    /// Gives an address back: it rests for the quarantine, then is free. One not in use is ignored.
    public mutating func release(_ address: IPv4Address, at now: Duration) {
        guard inUse.remove(address) != nil else { return }
        restingUntil[address] = now + quarantine
    }

    private func isHost(_ address: IPv4Address) -> Bool {
        address > subnet.first && address < subnet.last
    }

    private func exhausted() -> OverlayError {
        let resting = restingUntil.isEmpty ? "" : ", \(restingUntil.count) released and resting for \(quarantine)"
        return OverlayError(
            .addressesExhausted, "no free address in subnet \(subnet): \(inUse.count) in use\(resting)")
    }
}
