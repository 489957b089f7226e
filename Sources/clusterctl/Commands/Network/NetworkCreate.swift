import HTTP
import Model

/// Makes a network that reaches over all nodes.
enum NetworkCreate: Command {
    static let syntax = Syntax(
        path: ["network", "create"], summary: "Make a network that reaches over all nodes",
        positionals: [.init("NAME", "what it is called")],
        options: [
            .value("driver", short: "d", "DRIVER", "overlay (the default)"),
            .value("subnet", "CIDR", "its addresses; chosen from the cluster's pool otherwise"),
            .value("gateway", "IP", "the bridge's own address in it"),
            .value("ip-range", "CIDR", "the part of the subnet that containers get addresses from"),
            .flag("attachable", "containers that belong to no service may be on it"),
            .flag("internal", "no way out of it"),
            .repeated("label", "KEY=VALUE", "a label"),
            .repeated("opt", short: "o", "KEY=VALUE", "an option of the driver"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let request = try request(arguments)
        let made = try await session.engine.fetch(
            CreatedNetwork.self, ["networks", "create"], method: .post, json: request)
        if let warning = made.warning, !warning.isEmpty { session.console.warn(warning) }
        session.console.line(made.id)
    }

    static func request(_ arguments: Arguments) throws(UsageError) -> NetworkCreateRequest {
        var request = NetworkCreateRequest(name: arguments.positionals[0])
        request.driver = arguments.value("driver") ?? "overlay"
        request.attachable = arguments.flag("attachable")
        request.isInternal = arguments.flag("internal")
        request.labels = try arguments.pairs("label") ?? [:]
        request.options = try arguments.pairs("opt") ?? [:]
        let subnet = arguments.value("subnet")
        let gateway = arguments.value("gateway")
        let range = arguments.value("ip-range")
        guard subnet != nil || (gateway == nil && range == nil) else {
            throw arguments.usage("--gateway and --ip-range want --subnet")
        }
        if subnet != nil {
            request.ipam = IPAMConfiguration(config: [.init(subnet: subnet, gateway: gateway, ipRange: range)])
        }
        return request
    }
}

/// The body of `POST /networks/create`.
struct NetworkCreateRequest: Encodable, Sendable, Equatable {
    var name: String
    var checkDuplicate = true
    var driver = "overlay"
    var scope = "swarm"
    var ipam = IPAMConfiguration()
    var isInternal = false
    var attachable = false
    var options: [String: String] = [:]
    var labels: [String: String] = [:]

    init(name: String) { self.name = name }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case checkDuplicate = "CheckDuplicate"
        case driver = "Driver"
        case scope = "Scope"
        case ipam = "IPAM"
        case isInternal = "Internal"
        case attachable = "Attachable"
        case options = "Options"
        case labels = "Labels"
    }
}

/// The answer to it.
struct CreatedNetwork: Decodable, Sendable {
    var id: String
    var warning: String?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case warning = "Warning"
    }
}
