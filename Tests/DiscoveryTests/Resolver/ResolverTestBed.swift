import Foundation
import Platform
import TestSupport

@testable import Discovery

/// A run directory, namespaces, and the resolver in them; all removed by `close`.
final class ResolverTestBed: Sendable {
    /// The built `clusterd`, beside the test program; its resolver is the real one.
    static let clusterd: String? = {
        guard let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return nil }
        let path = (own as NSString).deletingLastPathComponent + "/clusterd"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["resolver"]
        process.standardError = FileHandle.nullDevice
        // Without its flags it says how it is used, with exit code 2.
        guard (try? process.run()) != nil else { return nil }
        process.waitUntilExit()
        return process.terminationStatus == 2 ? path : nil
    }()

    static let canRun = Probe.canCreateNetworkNamespaces && clusterd != nil && Probe.hasProgram("dig")

    let directory: TemporaryDirectory
    let loop: EventLoop
    let client: ResolverClient

    init() throws {
        directory = try TemporaryDirectory("rslv")
        loop = try EventLoop(name: "test-resolver")
        client = ResolverClient(runDirectory: directory.path, loop: loop)
    }

    func launch(_ upstreams: [String] = ["127.0.0.1:9"]) throws -> ResolverClient.Launch {
        guard let path = Self.clusterd else { throw ResolverError(.notRunning, "clusterd is not built") }
        return ResolverClient.Launch(executable: path, arguments: upstreams.flatMap { ["--upstream", $0] })
    }

    func namespace(_ name: String) throws -> NetworkNamespace {
        try NetworkNamespace.create(at: directory.file("ns-\(name)"))
    }

    /// Ends the resolver and takes away the namespaces.
    func close() async {
        try? await client.stop()
        for name in (try? Files.list(directory.path)) ?? [] where name.hasPrefix("ns-") {
            try? NetworkNamespace.open(directory.file(name)).remove()
        }
        loop.stop()
    }

    /// What `dig` prints inside the namespace, asking the sandbox's resolver.
    func dig(_ namespace: NetworkNamespace, _ ports: ResolverPorts, _ arguments: String...) async throws -> [String] {
        let port = arguments.contains("+tcp") ? ports.tcp : ports.udp
        var command = ChildProcess.Command(
            "dig", ["@127.0.0.11", "-p", "\(port)", "+time=3", "+tries=1", "+nosearch"] + arguments)
        command.networkNamespace = namespace.path
        let output = try await ChildProcess.run(command, timeout: .seconds(20), loop: loop)
        return output.stdoutText.split(separator: "\n").map(String.init)
    }
}
