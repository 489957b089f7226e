internal import Foundation
internal import Platform

/// What this machine lets tests do: for `.enabled(if:)`, so that what cannot run is skipped visibly.
public enum Probe {
    public static let isRoot = geteuid() == 0

    /// Makes a network namespace on a thread of its own and lets it go.
    public static let canCreateNetworkNamespaces: Bool = {
        guard isRoot, let namespace = try? NetworkNamespace.create(at: "/tmp/martlet-probe-\(getpid())") else {
            return false
        }
        try? namespace.remove()
        return true
    }()

    /// True where the program is an executable file in PATH or in the folders of system programs.
    public static func hasProgram(_ name: String) -> Bool { program(name) != nil }

    /// The path of a program in PATH or in the folders of system programs.
    public static func program(_ name: String) -> String? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin", "/usr/bin", "/bin"]
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
