import CLinux
import Foundation
import Platform
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ChildProcessTests {
    @Test func collectsOutputsAndStatus() async throws {
        let loop = try EventLoop(name: "test-child")
        defer { loop.stop() }
        let script = "cat; echo problem >&2; exit 3"
        let output = try await ChildProcess.run(
            .init("sh", ["-c", script]), input: [UInt8](repeating: 97, count: 300_000), loop: loop)
        #expect(output.status == .exited(3))
        #expect(output.stdout.count == 300_000)
        #expect(output.stderrText == "problem\n")
        #expect(!output.isTruncated)
    }

    @Test func boundsOutputs() async throws {
        let loop = try EventLoop(name: "test-bound")
        defer { loop.stop() }
        let output = try await ChildProcess.run(
            .init("head", ["-c", "1000000", "/dev/zero"]), outputLimit: 1000, loop: loop)
        #expect(output.status.isSuccess)
        #expect(output.stdout.count == 1000)
        #expect(output.isTruncated)
    }

    @Test func doesNotWaitForAGrandchildThatHoldsTheOutput() async throws {
        let loop = try EventLoop(name: "test-grand")
        defer { loop.stop() }
        let start = ContinuousClock.now
        let output = try await ChildProcess.run(.init("sh", ["-c", "sleep 5 & echo $!; exit 0"]), loop: loop)
        #expect(ContinuousClock.now - start < .seconds(3))
        let pid = try #require(Int32(output.stdoutText.trimmingCharacters(in: .whitespacesAndNewlines)))
        kill(pid, SIGKILL)
    }

    @Test func anIgnoredInputIsNoFailure() async throws {
        let loop = try EventLoop(name: "test-deaf")
        defer { loop.stop() }
        let output = try await ChildProcess.run(.init("true"), input: [UInt8](repeating: 0, count: 1 << 20), loop: loop)
        #expect(output.status.isSuccess)
    }

    @Test func killsOnTimeoutAndCancellation() async throws {
        let loop = try EventLoop(name: "test-kill")
        defer { loop.stop() }
        let error = await #expect(throws: SystemError.self) {
            try await ChildProcess.run(.init("sleep", ["30"]), timeout: .milliseconds(50), loop: loop)
        }
        #expect(error?.errno == ETIMEDOUT)
        let task = Task { try await ChildProcess.run(.init("sleep", ["30"]), loop: loop) }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func signalsAndManyWaiters() async throws {
        let loop = try EventLoop(name: "test-signal")
        defer { loop.stop() }
        let child = try ChildProcess.spawn(.init("sleep", ["30"]), loop: loop)
        async let first = child.wait()
        async let second = child.wait()
        try child.signal(SIGTERM)
        #expect(await first == .signaled(SIGTERM))
        #expect(await second == .signaled(SIGTERM))
        #expect(child.status?.code == 143)
        #expect(throws: SystemError.self) { try child.signal(0) }
    }

    @Test func failuresToExecuteAreNamed() throws {
        let loop = try EventLoop(name: "test-exec")
        defer { loop.stop() }
        let missing = #expect(throws: SystemError.self) {
            _ = try ChildProcess.spawn(.init("/no/such/program"), loop: loop)
        }
        #expect(missing?.errno == ENOENT && missing?.call == "execve")
        #expect(throws: SystemError.self) { _ = try ChildProcess.spawn(.init("no-such-program-here"), loop: loop) }
        let folder = #expect(throws: SystemError.self) {
            _ = try ChildProcess.spawn(.init("true", workingDirectory: "/no/such/folder"), loop: loop)
        }
        #expect(folder?.call == "chdir")
        #expect(throws: SystemError.self) { _ = try ChildProcess.spawn(.init("true", ["a\0b"]), loop: loop) }
    }

    @Test func descriptorsEnvironmentFolderAndSession() async throws {
        let loop = try EventLoop(name: "test-setup")
        defer { loop.stop() }
        let folder = try TemporaryDirectory()
        let path = folder.file("out")
        let file = try Files.open(path, O_WRONLY | O_CREAT)
        let other = try Files.open("/etc/hostname", O_RDONLY)
        var command = ChildProcess.Command(
            "sh", ["-c", "pwd; echo $A; ls /proc/self/fd | tr '\\n' ' '; echo; cut -d' ' -f6 /proc/$$/stat; echo $$"],
            environment: ["A": "b c", "PATH": "/usr/bin:/bin"], workingDirectory: folder.path)
        // A map that crosses: the source of one is the target of the other.
        command.descriptors = [1: file.rawValue, file.rawValue: other.rawValue, 7: file.rawValue]
        command.isSessionLeader = true
        let child = try ChildProcess.spawn(command, loop: loop)
        #expect(await child.wait() == .exited(0))
        let lines = try Files.readText(path).split(separator: "\n").map(String.init)
        let kept = try #require(lines.count == 5 ? lines : nil)
        #expect(kept[0].hasSuffix(folder.path.split(separator: "/").last ?? ""))
        #expect(kept[1] == "b c")
        let open = Set(kept[2].split(separator: " ").compactMap { Int32($0) })
        #expect(open.isSuperset(of: [0, 1, 2, 7, file.rawValue]))
        // Besides those, only the folder that ls itself reads.
        #expect(open.count == 6)
        #expect(kept[3] == kept[4])
    }

    @Test func signalsAreAsInAFreshProcess() async throws {
        let loop = try EventLoop(name: "test-mask")
        defer { loop.stop() }
        let output = try await ChildProcess.run(.init("grep", ["-E", "Sig(Blk|Ign)", "/proc/self/status"]), loop: loop)
        let masks = output.stdoutText.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0, radix: 16) }
        // Signals 32 and 33 are glibc's own, which it does not let anybody change.
        #expect(masks.map { $0 & ~(3 << 31) } == [0, 0])
    }

    @Test(.enabled(if: Probe.canCreateNetworkNamespaces)) func entersANetworkNamespace() async throws {
        let loop = try EventLoop(name: "test-ns")
        defer { loop.stop() }
        let folder = try TemporaryDirectory()
        let namespace = try NetworkNamespace.create(at: folder.file("ns"))
        defer { try? namespace.remove() }
        var command = ChildProcess.Command("readlink", ["/proc/self/ns/net"])
        command.networkNamespace = namespace.path
        let inside = try await ChildProcess.run(command, loop: loop).stdoutText
        let expected = try namespace.run { try Self.networkNamespaceOfThisThread() }
        #expect(inside == expected + "\n")
        #expect(try Self.networkNamespaceOfThisThread() != expected)
    }

    static func networkNamespaceOfThisThread() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self/ns/net")
    }

    @Test func manyAtOnce() async throws {
        let loop = try EventLoop(name: "test-many")
        defer { loop.stop() }
        let sum = try await withThrowingTaskGroup(of: Int32.self) { group in
            for number in 0..<50 {
                group.addTask {
                    try await ChildProcess.run(.init("sh", ["-c", "exit \(number)"]), loop: loop).status.code
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 49 * 50 / 2)
    }
}
