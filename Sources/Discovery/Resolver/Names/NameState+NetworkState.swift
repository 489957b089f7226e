public import Model
import Platform

extension NameState {
    /// The names of the networks in a node's network state. The ingress network has none.
    ///
    /// For each service its name and aliases → its virtual address, or without one (`dnsrr`) the addresses of its ready tasks;
    /// with `tasks.` before them → the addresses of its ready tasks. For each task its own name and aliases. Tasks that are not
    /// ready keep their names, without an address.
    public init(_ state: NetworkState) {
        self.init(
            revision: state.revision,
            networks: state.networks.filter { !$0.isIngress }.map { NetworkNames($0) })
    }
}

extension NetworkNames {
    init(_ network: OverlayNetwork) {
        var addresses: [String: [HostAddress]] = [:]
        var names: [String] = []
        func add(_ name: String, _ more: [HostAddress]) {
            let key = name.lowercased()
            guard let known = addresses[key] else {
                names.append(key)
                addresses[key] = more
                return
            }
            addresses[key] = known + more.filter { !known.contains($0) }
        }

        var ready: [String: [HostAddress]] = [:]
        var pointers: [NamePointer] = []
        for endpoint in network.endpoints {
            let address = HostAddress.ipv4(endpoint.address)
            if endpoint.isReady {
                ready[endpoint.serviceID, default: []].append(address)
                pointers.append(NamePointer(address: address, name: endpoint.taskName))
            }
            for name in [endpoint.taskName] + endpoint.aliases {
                add(name, endpoint.isReady ? [address] : [])
            }
        }
        for service in network.services {
            let tasks = ready[service.id] ?? []
            let virtual = service.address.map { HostAddress.ipv4($0) }
            for name in [service.name] + service.aliases {
                add(name, virtual.map { [$0] } ?? tasks)
                add("tasks.\(name)", tasks)
            }
            if let virtual {
                pointers.append(NamePointer(address: virtual, name: service.name))
            }
        }
        self.init(
            id: network.id, name: network.name, subnets: [network.subnet],
            entries: names.map { NameEntry(name: $0, addresses: addresses[$0] ?? []) }, pointers: pointers)
    }
}
