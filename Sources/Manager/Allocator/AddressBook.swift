internal import Model
internal import Overlay
internal import Platform

/// Which addresses and published ports are in use and by whom, as far as the objects say, and which were given back lately. It belongs
/// to one leader; the next one builds its own from the objects.
struct AddressBook {
    /// Who holds an address: a task, a service (its VIP) or a node.
    enum Owner: Hashable {
        case task(String, ofService: String)
        case service(String)
        case node(String)
    }

    private struct Holding: Equatable {
        let networkID: String
        let address: IPv4Address
    }

    private var networks: [String: AddressAllocator] = [:]
    private var holdings: [Owner: [Holding]] = [:]
    private var tasksByService: [String: Set<String>] = [:]
    private var nextVNI: UInt32 = Allocator.firstVNI
    private let log = Logger("allocator")

    init() {}

    /// Forgets networks that are gone and takes up new ones, with what rests there.
    ///
    /// - Parameter wall: the time of day at `now`.
    mutating func sync(networks objects: [Network], at now: Duration, wall: Timestamp) {
        let ids = Set(objects.map(\.id))
        networks = networks.filter { ids.contains($0.key) }
        for network in objects where networks[network.id] == nil {
            guard let subnet = network.subnet else { continue }
            networks[network.id] = AddressAllocator(subnet: subnet.network, gateway: network.gatewayAddress)
            for (text, since) in (network.restingAddresses ?? [:]).sorted(by: { $0.key < $1.key }) {
                if let address = IPv4Address(text) { rest(address, of: network.id, now, age: wall - since) }
            }
        }
    }

    /// The lowest number above all that were ever used here, so that a deleted network's is not at once another's.
    mutating func newVNI(besides inUse: Set<UInt32>) -> UInt32? {
        nextVNI = max(nextVNI, (inUse.max() ?? 0) &+ 1)
        if nextVNI < Allocator.vniLimit {
            defer { nextVNI += 1 }
            return nextVNI
        }
        return (Allocator.firstVNI..<Allocator.vniLimit).first { !inUse.contains($0) }
    }

    /// A free address of the network, held by `owner` from now on.
    mutating func allocate(_ networkID: String, for owner: Owner, at now: Duration) throws(OverlayError) -> IPv4Address
    {
        guard networks[networkID] != nil else {
            throw OverlayError(.addressesExhausted, "network \(networkID) has no subnet yet")
        }
        guard let address = try networks[networkID]?.allocate(at: now) else {
            throw OverlayError(.addressesExhausted, "network \(networkID) has no subnet yet")
        }
        holdings[owner, default: []].append(Holding(networkID: networkID, address: address))
        // Should the task never come to be, the next look at its service finds that it holds nothing.
        if case .task(let id, let serviceID) = owner { tasksByService[serviceID, default: []].insert(id) }
        return address
    }

    /// Takes what the tasks of a service hold now to be the truth; what they held before is released.
    ///
    /// - Parameter wall: the time of day at `now`, to tell how long the addresses of ended tasks have rested.
    mutating func sync(tasks: [ClusterTask], ofService id: String, at now: Duration, wall: Timestamp) {
        var present: Set<String> = []
        let known = tasksByService[id] ?? []
        for task in tasks {
            guard let attachments = task.networksAttachments, !attachments.isEmpty else { continue }
            guard !task.status.state.isTerminal else {
                if !known.contains(task.id) { rest(task, attachments, now, wall) }
                continue
            }
            present.insert(task.id)
            set(
                .task(task.id, ofService: id),
                attachments.flatMap { at in at.prefixes.map { (at.network.id, $0.address) } }, now)
        }
        // Releases rest for the same time from the same instant: their order does not show.
        for gone in known.subtracting(present) { set(.task(gone, ofService: id), [], now) }
        tasksByService[id] = present.isEmpty ? nil : present
    }

    /// The task ended before this leader looked: its addresses rest from then on.
    private mutating func rest(
        _ task: ClusterTask, _ attachments: [NetworkAttachment], _ now: Duration, _ wall: Timestamp
    ) {
        for attachment in attachments {
            for prefix in attachment.prefixes {
                rest(prefix.address, of: attachment.network.id, now, age: wall - task.status.timestamp)
            }
        }
    }

    private mutating func rest(_ address: IPv4Address, of networkID: String, _ now: Duration, age: Duration) {
        let age = max(.zero, age)
        guard age < AddressAllocator.defaultQuarantine else { return }
        // One that is in use is somebody else's by now.
        guard (try? networks[networkID]?.reserve(address)) != nil else { return }
        networks[networkID]?.release(address, at: now - age)
    }

    /// Nil: the service is gone.
    mutating func sync(service: Service?, id: String, at now: Duration) {
        let virtual = service?.endpoint.virtualIPs ?? []
        set(
            .service(id), virtual.compactMap { vip in IPv4Prefix(vip.address).map { (vip.networkID, $0.address) } }, now
        )
    }

    mutating func sync(nodeAddresses: [String: String], networkID: String, at now: Duration) {
        for (nodeID, text) in nodeAddresses.sorted(by: { $0.key < $1.key }) {
            if let prefix = IPv4Prefix(text) { set(.node(nodeID), [(networkID, prefix.address)], now) }
        }
        let gone = holdings.keys.compactMap { owner in
            if case .node(let nodeID) = owner, nodeAddresses[nodeID] == nil { nodeID } else { nil }
        }
        for nodeID in gone.sorted() { set(.node(nodeID), [], now) }
    }

    private mutating func set(_ owner: Owner, _ addresses: [(String, IPv4Address)], _ now: Duration) {
        let wanted = addresses.map { Holding(networkID: $0.0, address: $0.1) }
        let held = holdings[owner] ?? []
        guard wanted != held else { return }
        for holding in held where !wanted.contains(holding) {
            networks[holding.networkID]?.release(holding.address, at: now)
        }
        for holding in wanted where !held.contains(holding) {
            guard networks[holding.networkID] != nil else { continue }
            do { try networks[holding.networkID]?.reserve(holding.address) } catch {
                log.error(
                    "an address that an object holds cannot be taken", ["owner": "\(owner)", "error": "\(error)"])
            }
        }
        holdings[owner] = wanted.isEmpty ? nil : wanted
    }
}

extension Network {
    /// Nil until the allocator gave one.
    var subnet: IPv4Prefix? { ipam.config?.first?.subnet.flatMap { IPv4Prefix($0) } }

    var gatewayAddress: IPv4Address? {
        guard let text = ipam.config?.first?.gateway else { return nil }
        return IPv4Address(text) ?? IPv4Prefix(text)?.address
    }
}

extension NetworkAttachment {
    var prefixes: [IPv4Prefix] { addresses.compactMap { IPv4Prefix($0) } }
}
