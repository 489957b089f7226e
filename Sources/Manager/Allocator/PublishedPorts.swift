internal import Model

/// The ports of all services, each given once: those asked for by number, and numbers for those who asked for any.
struct PublishedPorts {
    private struct Key: Hashable {
        let transport: TransportProtocol
        let port: UInt32
        let mode: PortConfig.PublishMode
    }

    private var holders: [Key: String] = [:]

    /// Takes up what the services hold already.
    ///
    /// - Parameter includingWanted: also what they ask for by number and have not got yet.
    init(_ services: [Service], includingWanted: Bool = false) {
        for service in services {
            for port in service.endpoint.ports ?? [] { hold(port, service.id) }
        }
        guard includingWanted else { return }
        for service in services {
            for port in service.spec.endpointSpec?.ports ?? [] { hold(port, service.id) }
        }
    }

    /// The service's ports with their numbers; nil when one of them is another service's. Ports that it held before stay
    /// the same.
    mutating func assign(_ service: Service) -> [PortConfig]? {
        let held = service.endpoint.ports ?? []
        let wanted = service.spec.endpointSpec?.ports ?? []
        if held.count == wanted.count, zip(held, wanted).allSatisfy({ Self.satisfies($0, $1) }) {
            return held.isEmpty ? nil : held
        }
        for port in held { release(port, service.id) }
        guard !wanted.isEmpty else { return nil }
        var assigned: [PortConfig] = []
        for port in wanted {
            guard let port = resolve(port, kept: held, for: service.id) else {
                for port in assigned { release(port, service.id) }
                return nil
            }
            hold(port, service.id)
            assigned.append(port)
        }
        return assigned
    }

    private func resolve(_ port: PortConfig, kept: [PortConfig], for serviceID: String) -> PortConfig? {
        var port = port
        port.transport = port.transport ?? .tcp
        port.publishMode = port.publishMode ?? .ingress
        if let number = port.publishedPort, number != 0 { return isFree(port, for: serviceID) ? port : nil }
        if let same = kept.first(where: { Self.satisfies($0, port) && isFree($0, for: serviceID) }) { return same }
        for number in Allocator.automaticPorts {
            port.publishedPort = number
            if isFree(port, for: serviceID) { return port }
        }
        return nil
    }

    /// Whether what is held is what is asked for.
    private static func satisfies(_ held: PortConfig, _ wanted: PortConfig) -> Bool {
        let number = wanted.publishedPort ?? 0
        return held.targetPort == wanted.targetPort && held.transport == (wanted.transport ?? .tcp)
            && held.publishMode == (wanted.publishMode ?? .ingress) && held.name == wanted.name
            && (number == 0 || held.publishedPort == number)
    }

    /// A port in ingress mode is taken on every node; one in host mode only excludes ingress ports: who shares a node with
    /// whom is the scheduler's to see to.
    private func isFree(_ port: PortConfig, for serviceID: String) -> Bool {
        conflict(of: port, for: serviceID) == nil
    }

    /// The service that has the port, if it is not this one, and in which mode.
    func conflict(of port: PortConfig, for serviceID: String) -> (serviceID: String, mode: PortConfig.PublishMode)? {
        let transport = port.transport ?? .tcp
        guard let number = port.publishedPort, number != 0 else { return nil }
        let ingress = Key(transport: transport, port: number, mode: .ingress)
        if let holder = holders[ingress], holder != serviceID || port.publishMode == .host { return (holder, .ingress) }
        guard (port.publishMode ?? .ingress) == .ingress else { return nil }
        let host = Key(transport: transport, port: number, mode: .host)
        if let holder = holders[host], holder != serviceID { return (holder, .host) }
        return nil
    }

    private mutating func hold(_ port: PortConfig, _ serviceID: String) {
        guard let key = Self.key(port) else { return }
        holders[key] = holders[key] ?? serviceID
    }

    private mutating func release(_ port: PortConfig, _ serviceID: String) {
        guard let key = Self.key(port), holders[key] == serviceID else { return }
        holders[key] = nil
    }

    private static func key(_ port: PortConfig) -> Key? {
        guard let number = port.publishedPort, number != 0 else { return nil }
        return Key(transport: port.transport ?? .tcp, port: number, mode: port.publishMode ?? .ingress)
    }
}
