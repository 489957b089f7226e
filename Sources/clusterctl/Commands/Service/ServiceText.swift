import Model

extension Service {
    /// `replicated`, `global`, `replicated job` or `global job`.
    var modeText: String {
        if spec.mode?.global != nil { return "global" }
        if spec.mode?.replicatedJob != nil { return "replicated job" }
        if spec.mode?.globalJob != nil { return "global job" }
        return "replicated"
    }

    /// `2/3`: tasks that run, of those that should.
    var replicasText: String {
        let desired = serviceStatus?.desiredTasks ?? spec.mode?.replicated?.replicas ?? 0
        return "\(serviceStatus?.runningTasks ?? 0)/\(desired)"
    }

    /// `*:8080->80/tcp, ...`
    var portsText: String {
        (endpoint.ports ?? spec.endpointSpec?.ports ?? []).filter { $0.publishMode != .host }.map(\.text)
            .joined(separator: ", ")
    }
}

extension ServiceSpec {
    /// The image without the digest that may be behind its tag.
    var imageText: String {
        let image = taskTemplate.containerSpec?.image ?? ""
        guard let at = image.firstIndex(of: "@"), image[..<at].contains(":") else { return image }
        return String(image[..<at])
    }
}

extension PortConfig {
    /// `*:8080->80/tcp`, as Docker prints a published port.
    var text: String { "*:\(publishedPort.map { "\($0)" } ?? "")->\(targetPort)/\((transport ?? .tcp).rawValue)" }
}
