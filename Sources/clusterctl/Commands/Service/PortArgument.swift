import Model

/// A published port as users write it.
enum PortArgument {
    /// `8080:80`, `80` (any free port), `53:53/udp`, `8000-8002:80-82`, or
    /// `mode=host,target=80,published=8080,protocol=tcp`.
    ///
    /// - Throws: `UsageError` that says what is wrong.
    static func parse(_ text: String) throws(UsageError) -> [PortConfig] {
        text.contains("=") ? [try long(text)] : try short(text)
    }

    private static func short(_ text: String) throws(UsageError) -> [PortConfig] {
        let slash = text.lastIndex(of: "/")
        let transport = try transport(slash.map { String(text[text.index(after: $0)...]) } ?? "tcp", in: text)
        let parts = text[..<(slash ?? text.endIndex)].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            throw invalid(text, "a service's port is published on every address of a node: leave the IP out")
        }
        let targets = try range(parts[parts.count - 1], in: text)
        guard parts.count == 2 else {
            return targets.map { PortConfig(transport: transport, targetPort: $0) }
        }
        let published = try range(parts[0], in: text)
        guard published.count == targets.count else { throw invalid(text, "the two ranges differ in length") }
        return zip(published, targets).map { outside, inside in
            PortConfig(transport: transport, targetPort: inside, publishedPort: outside)
        }
    }

    private static func long(_ text: String) throws(UsageError) -> PortConfig {
        var target: UInt32?
        var port = PortConfig(targetPort: 0)
        for field in text.split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { throw invalid(text, "'\(field)' is no KEY=VALUE") }
            switch pair[0] {
            case "target": target = try number(pair[1], in: text)
            case "published": port.publishedPort = try number(pair[1], in: text)
            case "protocol": port.transport = try transport(String(pair[1]), in: text)
            case "name": port.name = String(pair[1])
            case "mode":
                guard let mode = PortConfig.PublishMode(rawValue: String(pair[1])) else {
                    throw invalid(text, "mode is ingress or host")
                }
                port.publishMode = mode
            default: throw invalid(text, "there is no '\(pair[0])'; there are target, published, protocol, mode, name")
            }
        }
        guard let target else { throw invalid(text, "target=PORT is missing") }
        port.targetPort = target
        return port
    }

    private static func range(_ text: Substring, in whole: String) throws(UsageError) -> [UInt32] {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        let first = try number(ends[0], in: whole)
        guard ends.count > 1 else { return [first] }
        let last = try number(ends[1], in: whole)
        guard ends.count == 2, last >= first, last - first < 1000 else {
            throw invalid(whole, "a range has at most 1000 ports, the lower one first")
        }
        return Array(first...last)
    }

    private static func number(_ text: Substring, in whole: String) throws(UsageError) -> UInt32 {
        guard let number = UInt32(text), (1...65_535).contains(number) else {
            throw invalid(whole, "'\(text)' is no port (1 to 65535)")
        }
        return number
    }

    private static func transport(_ text: String, in whole: String) throws(UsageError) -> TransportProtocol {
        guard let transport = TransportProtocol(rawValue: text) else {
            throw invalid(whole, "the protocol is tcp, udp or sctp")
        }
        return transport
    }

    private static func invalid(_ text: String, _ why: String) -> UsageError {
        UsageError("published port '\(text)': \(why)")
    }
}
