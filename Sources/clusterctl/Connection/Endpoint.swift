import Platform

/// Which daemon is asked.
struct Endpoint: Sendable, CustomStringConvertible {
    static let defaultHost = "unix:///run/clusterd/clusterd.sock"

    let address: SocketAddress
    private let text: String

    /// `unix:///run/x.sock`, `tcp://10.0.0.1:2375` or a bare path.
    ///
    /// - Throws: `UsageError` that says what is wrong with it.
    init(_ host: String) throws(UsageError) {
        let full = host.hasPrefix("/") ? "unix://" + host : host
        guard let address = SocketAddress.parse(full) else {
            if full.hasPrefix("unix://"), full.utf8.count > SocketAddress.unixPathLimit + 7 {
                throw UsageError(
                    "host '\(host)': a socket's path has at most \(SocketAddress.unixPathLimit) bytes; use a shorter one, "
                        + "or a relative one from a folder nearby")
            }
            throw UsageError("host '\(host)': wanted is unix://PATH or tcp://IP:PORT")
        }
        self.address = address
        text = full
    }

    /// Whether it is reached over TCP.
    var isRemote: Bool { if case .unix = address { false } else { true } }

    var description: String { text }
}
