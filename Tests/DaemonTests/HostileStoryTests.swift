import Foundation
import Platform
import TestSupport
import Testing

/// A real daemon under attack; see the script.
@Suite(
    .enabled(
        if: Probe.canCreateNetworkNamespaces && Probe.hasProgram("runc") && Probe.hasProgram("conmon")
            && Probe.hasProgram("python3") && Probe.hasProgram("openssl"),
        "needs root, network namespaces, runc, conmon, python3 and openssl"))
struct HostileStoryTests {
    @Test(.timeLimit(.minutes(5))) func nothingSentEndsOrBlocksADaemon() async throws {
        let loop = try EventLoop(name: "hostile-story")
        defer { loop.stop() }
        // Short: a socket's path has 108 bytes.
        let folder = "/tmp/ms-\(Identifier.random().prefix(6))"
        defer { try? Files.remove(folder) }
        let repository = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
        let environment = ProcessInfo.processInfo.environment.merging([
            "BIN": repository + "/.build/debug", "STORY_DIR": folder,
        ]) { $1 }
        let output = try await ChildProcess.run(
            .init("/bin/bash", [repository + "/Tests/Stories/hostile"], environment: environment),
            timeout: .seconds(280), loop: loop)
        #expect(output.status.isSuccess, "\(output.stdoutText.suffix(6000))\n\(output.stderrText.suffix(4000))")
    }
}
