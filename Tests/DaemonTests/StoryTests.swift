import Foundation
import Platform
import TestSupport
import Testing

/// The product as its users have it: the built programs on hosts of their own (network namespaces), told by scripts under
/// `Tests/Stories` and by the demo. Each cleans up after itself; one at a time, for they share the machine.
@Suite(
    .serialized,
    .enabled(
        if: Probe.canCreateNetworkNamespaces && Probe.hasProgram("runc") && Probe.hasProgram("conmon"),
        "needs root, network namespaces, runc and conmon"))
struct StoryTests {
    @Test(.timeLimit(.minutes(5)), .enabled(if: Probe.hasProgram("docker"), "no docker command here"))
    func dockerCommand() async throws { try await tell("Tests/Stories/docker-cli") }

    @Test(.timeLimit(.minutes(5)))
    func managersCrash() async throws { try await tell("Tests/Stories/managers-crash") }

    @Test(.timeLimit(.minutes(5)))
    func daemonCrash() async throws { try await tell("Tests/Stories/daemon-crash") }

    @Test(.timeLimit(.minutes(5)))
    func failures() async throws { try await tell("Tests/Stories/failures") }

    @Test(.timeLimit(.minutes(5)))
    func keyValue() async throws { try await tell("Tests/Stories/key-value") }

    /// scenarios.md, Raft and storage, 7: a stopped leader that wakes answers nothing stale.
    @Test(.timeLimit(.minutes(5)))
    func leases() async throws { try await tell("Tests/Stories/leases") }

    @Test(.timeLimit(.minutes(5)), .enabled(if: Probe.hasProgram("tcpdump"), "no tcpdump here"))
    func traffic() async throws { try await tell("Tests/Stories/traffic") }

    @Test(.timeLimit(.minutes(5)))
    func partition() async throws { try await tell("Tests/Stories/partition") }

    @Test(.timeLimit(.minutes(5)))
    func churn() async throws { try await tell("Tests/Stories/churn") }

    @Test(.timeLimit(.minutes(5)), .enabled(if: Probe.hasProgram("openssl"), "no openssl command here"))
    func certificates() async throws { try await tell("Tests/Stories/certificates") }

    @Test(.timeLimit(.minutes(5)), .enabled(if: Probe.hasProgram("openssl"), "no openssl command here"))
    func rootRotation() async throws { try await tell("Tests/Stories/root-rotation") }

    @Test(
        .timeLimit(.minutes(5)),
        .enabled(if: Probe.hasProgram("docker") && Probe.hasProgram("openssl"), "no docker or openssl command here"))
    func roles() async throws { try await tell("Tests/Stories/roles") }

    @Test(
        .timeLimit(.minutes(5)),
        .enabled(if: Probe.hasProgram("docker") && Probe.hasProgram("python3"), "no docker command or python3 here"))
    func secrets() async throws { try await tell("Tests/Stories/secrets") }

    @Test(
        .timeLimit(.minutes(5)),
        .enabled(if: Probe.hasProgram("docker") && Probe.hasProgram("openssl"), "no docker or openssl command here"))
    func apiTLS() async throws { try await tell("Tests/Stories/api-tls") }

    @Test(.timeLimit(.minutes(5)), .enabled(if: Probe.hasProgram("cc"), "no C compiler here"))
    func clocks() async throws { try await tell("Tests/Stories/clocks") }

    @Test(.timeLimit(.minutes(5)))
    func recovery() async throws { try await tell("Tests/Stories/recovery") }

    @Test(.timeLimit(.minutes(5)))
    func atRest() async throws { try await tell("Tests/Stories/at-rest") }

    @Test(.timeLimit(.minutes(6)))
    func demo() async throws { try await tell("deploy/demo/run", then: "deploy/demo/down") }

    /// Runs a script with the programs beside this test; what it printed goes into the failure.
    private func tell(_ script: String, then cleanup: String? = nil) async throws {
        let loop = try EventLoop(name: "story")
        defer { loop.stop() }
        // Short: a socket's path has 108 bytes.
        let folder = "/tmp/ms-\(Identifier.random().prefix(6))"
        defer { try? Files.remove(folder) }
        let environment = ProcessInfo.processInfo.environment.merging([
            "BIN": Self.repository + "/.build/debug", "STORY_DIR": folder, "DEMO_DIR": folder, "DEMO_PREFIX": "mt",
            "DEMO_SUBNET": "10.76.0",
        ]) { $1 }
        func run(_ script: String) async throws -> ChildProcess.Output {
            try await ChildProcess.run(
                .init("/bin/bash", [Self.repository + "/" + script], environment: environment),
                timeout: Self.limit, loop: loop)
        }
        let output = try await run(script)
        if let cleanup { _ = try await run(cleanup) }
        #expect(
            output.status.isSuccess, "\(script):\n\(output.stdoutText.suffix(6000))\n\(output.stderrText.suffix(4000))")
    }

    private static let limit: Duration = .seconds(280)
    private static let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
}
