import FoundationEssentials
import Glibc
import Model
import Platform
import Store

/// What this machine is, read once from the kernel and `/etc/os-release`.
struct HostFacts: Sendable {
    let hostname: String
    let kernelVersion: String
    /// As `uname -m` spells it.
    let machine: String
    let operatingSystem: String
    let osVersion: String
    let processors: Int
    let memoryBytes: Int64

    static let current = HostFacts()

    private init() {
        var names = utsname()
        _ = uname(&names)
        hostname = withUnsafeBytes(of: &names.nodename) { Self.text($0) }
        kernelVersion = withUnsafeBytes(of: &names.release) { Self.text($0) }
        machine = withUnsafeBytes(of: &names.machine) { Self.text($0) }
        processors = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        memoryBytes = Int64(sysconf(Int32(_SC_PHYS_PAGES))) * Int64(sysconf(Int32(_SC_PAGESIZE)))
        let release = Self.osRelease()
        operatingSystem = release["PRETTY_NAME"] ?? "Linux"
        osVersion = release["VERSION_ID"] ?? ""
    }

    /// As Go spells it, which is how `/version` says it.
    var goArchitecture: String {
        switch machine {
        case "x86_64": "amd64"
        case "aarch64": "arm64"
        default: machine
        }
    }

    var engineVersion: EngineVersion {
        EngineVersion(
            version: EngineAPI.product, gitCommit: "", architecture: goArchitecture, kernelVersion: kernelVersion)
    }

    /// What the node tells its managers; `name` stands in for the host's name where it is given.
    func nodeDescription(name: String?) -> NodeDescription {
        NodeDescription(
            hostname: name ?? hostname,
            platform: .init(architecture: machine, os: "linux"),
            resources: Resources(nanoCPUs: Int64(processors) * 1_000_000_000, memoryBytes: memoryBytes),
            engine: EngineDescription(
                engineVersion: EngineAPI.product,
                plugins: [
                    .init(type: "Log", name: "json-file"), .init(type: "Network", name: "bridge"),
                    .init(type: "Network", name: "host"), .init(type: "Network", name: "overlay"),
                    .init(type: "Volume", name: "local"),
                ]),
            commandLevel: CommandLevel.current)
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    private static func osRelease() -> [String: String] {
        guard let text = try? Files.readText("/etc/os-release", limit: 1 << 16) else { return [:] }
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            fields[String(parts[0])] = parts[1].trimmingCharacters(in: ["\""])
        }
        return fields
    }
}

extension Substring {
    fileprivate func trimmingCharacters(in set: Set<Character>) -> String {
        var text = self
        while let first = text.first, set.contains(first) { text.removeFirst() }
        while let last = text.last, set.contains(last) { text.removeLast() }
        return String(text)
    }
}
