import Glibc
import Platform

/// Where the upstream servers are known from: a list, or a file in the form of resolv.conf(5) that may change.
struct UpstreamSource: Sendable {
    /// How often the file is looked at, at most.
    private static let period = Duration.seconds(2)

    private let path: String?
    private var servers: UpstreamServers
    private var lastLook: ContinuousClock.Instant?
    private var modified: Int?

    init(fixed servers: UpstreamServers) {
        path = nil
        self.servers = servers
    }

    init(file path: String) {
        self.path = path
        servers = UpstreamServers([])
    }

    /// The servers as of now; the last ones known while the file cannot be read.
    mutating func current() -> UpstreamServers {
        guard let path else { return servers }
        let now = ContinuousClock.now
        if let lastLook, now - lastLook < UpstreamSource.period { return servers }
        lastLook = now
        var status = stat()
        guard stat(path, &status) == 0 else { return servers }
        let time = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        if time != modified, let text = try? Files.readText(path, limit: 64 << 10) {
            modified = time
            servers = UpstreamServers(resolvConf: text)
        }
        return servers
    }
}
