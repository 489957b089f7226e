import CLinux
import Platform

/// What the tables of one overlay segment should hold, and the difference to what they do hold. Pure.
struct ForwardingPlan: Sendable {
    /// The VXLAN device's index.
    let tunnel: Int32
    /// Everything that lives on other nodes: its address, and the tunnel endpoint behind which it is.
    let remotes: [IPv4Address: IPv4Address]
    /// The bridge ports whose tenants are known: index, and the tenant's address.
    let ports: [Int32: IPv4Address]

    struct Changes: Sendable, Equatable {
        var neighboursToSet: [Neighbour] = []
        var neighboursToRemove: [Neighbour] = []
        var entriesToSet: [ForwardingEntry] = []
        var entriesToRemove: [ForwardingEntry] = []

        var count: Int {
            neighboursToSet.count + neighboursToRemove.count + entriesToSet.count + entriesToRemove.count
        }
    }

    private static let permanent = UInt16(NUD_PERMANENT)
    /// How the kernel calls a static entry of a bridge: a permanent one there means the bridge itself.
    private static let fixed = UInt16(NUD_NOARP)

    var neighbours: Set<Neighbour> {
        Set(
            remotes.keys.map {
                Neighbour(link: tunnel, address: $0, mac: MACAddress(derivedFrom: $0), isPermanent: true)
            })
    }

    var entries: Set<ForwardingEntry> {
        var entries: Set<ForwardingEntry> = []
        for (address, endpoint) in remotes {
            let mac = MACAddress(derivedFrom: address)
            entries.insert(
                ForwardingEntry(link: tunnel, mac: mac, destination: endpoint, state: Self.permanent))
            entries.insert(ForwardingEntry(link: tunnel, mac: mac, destination: nil, state: Self.fixed))
        }
        for (port, address) in ports {
            entries.insert(
                ForwardingEntry(
                    link: port, mac: MACAddress(derivedFrom: address), destination: nil, state: Self.fixed))
        }
        return entries
    }

    /// What to set and remove. Entries of interfaces that the plan does not know are left alone, and so are a bridge's own
    /// (local) ones.
    func changes(neighbours observed: [Neighbour], entries observedEntries: [ForwardingEntry]) -> Changes {
        let wantedNeighbours = neighbours
        let wantedEntries = entries
        let heldNeighbours = Set(observed.filter { $0.link == tunnel && $0.isPermanent })
        let heldEntries = Set(observedEntries.filter(isOurs))

        var changes = Changes()
        changes.neighboursToSet = wantedNeighbours.subtracting(heldNeighbours).sorted { $0.address < $1.address }
        changes.neighboursToRemove = heldNeighbours.subtracting(wantedNeighbours)
            .filter { held in remotes[held.address] == nil }.sorted { $0.address < $1.address }
        changes.entriesToSet = wantedEntries.subtracting(heldEntries).sorted(by: Self.inOrder)
        // One with another destination is replaced, not removed: no packet meets a gap.
        let wantedKeys = Set(wantedEntries.map(Key.init))
        changes.entriesToRemove = heldEntries.subtracting(wantedEntries)
            .filter { !wantedKeys.contains(Key($0)) }.sorted(by: Self.inOrder)
        return changes
    }

    private struct Key: Hashable {
        var link: Int32
        var mac: MACAddress
        var isOfDevice: Bool

        init(_ entry: ForwardingEntry) {
            link = entry.link
            mac = entry.mac
            isOfDevice = entry.destination != nil
        }
    }

    private func isOurs(_ entry: ForwardingEntry) -> Bool {
        if entry.destination != nil { return entry.link == tunnel }
        return (entry.link == tunnel || ports[entry.link] != nil) && entry.state & Self.fixed != 0
    }

    private static func inOrder(_ left: ForwardingEntry, _ right: ForwardingEntry) -> Bool {
        (left.link, left.mac, left.destination == nil ? 0 : 1) < (
            right.link, right.mac, right.destination == nil ? 0 : 1
        )
    }
}
