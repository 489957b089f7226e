import Foundation
import Glibc
import Model
import Platform
import TestSupport
import Testing

@testable import Agent

@Suite(.enabled(if: canRunContainers), .timeLimit(.minutes(2)))
struct ContainerFilesTests {
    private static let value = "hunter2-\(Identifier.random())"

    private func secret(_ name: String, target: String, uid: String? = nil, mode: UInt32? = nil) -> FileReference {
        FileReference(
            secretID: "id-\(name)", secretName: name, file: .init(name: target, uid: uid, gid: uid, mode: mode))
    }

    /// Whether any file below the folder has the value in it, but for the tmpfs, which is not on disk.
    private func isOnDisk(_ folder: String) async throws -> Bool {
        let loop = try EventLoop(name: "grep")
        defer { loop.stop() }
        let output = try await ChildProcess.run(
            .init("/bin/sh", ["-c", "find '\(folder)' -xdev -type f -exec grep -l '\(Self.value)' {} +"]),
            timeout: .seconds(20), loop: loop)
        return !output.stdoutText.isEmpty
    }

    @Test("the container sees each as a file, read-only, with owner and mode; no disk does; its end takes them away")
    func wholeLife() async throws {
        let node = try await TestNode.open(try TestFolder())
        var specification = node.specification(
            """
            stat -c '%n %a %u %g' /run/secrets/* /etc/deep/er/pw /app.conf; cat /run/secrets/db /app.conf
            echo x 2>/dev/null > /run/secrets/db && echo written; rm /run/secrets/db 2>/dev/null && echo removed
            /app.sh; sleep 600
            """)
        specification.spec.secrets = [
            secret("db", target: "db"), secret("key", target: "key", uid: "1000", mode: 0o400),
            secret("deep", target: "/etc/deep/er/pw", mode: 0o440),
        ]
        specification.spec.configs = [
            FileReference(configID: "id-conf", configName: "conf", file: .init(name: "app.conf")),
            FileReference(configID: "id-script", configName: "script", file: .init(name: "app.sh", mode: 0o555)),
        ]
        let id = specification.id
        _ = try await node.engine.create(specification)
        let contents: [String: [UInt8]] = [
            "id-db": Array((Self.value + "\n").utf8), "id-key": Array(Self.value.utf8),
            "id-deep": [UInt8](repeating: 65, count: FileLimits.dataBytes - 1), "id-conf": Array("conf\n".utf8),
            "id-script": Array("#!/bin/sh\necho a script\n".utf8),
        ]
        // What is not here starts nothing, and leaves nothing behind.
        await #expect(throws: AgentError.self) { try await node.engine.start(id) }
        let path = node.folder.path + "/run/files/" + id
        #expect(!Files.exists(path))
        try await node.engine.start(id, contents: contents)
        let expected = [
            "/run/secrets/db 444 0 0", "/run/secrets/key 400 1000 1000", "/etc/deep/er/pw 440 0 0", "/app.conf 444 0 0",
            Self.value, "conf", "a script",
        ].map { "stdout: " + $0 }
        try await eventually { try await node.output(id).count >= expected.count }
        #expect(try await node.output(id).filter { $0.hasPrefix("stdout") } == expected)
        #expect(try OverlayMount.mountPoints(under: node.folder.path + "/run").contains(path))
        // The log has it because this container prints it.
        unlink("\(node.folder.path)/data/containers/\(id)/log")
        #expect(try await !isOnDisk(node.folder.path))
        try await node.engine.stop(id, grace: .zero)
        try await eventually { !Files.exists(path) }
        #expect(try OverlayMount.mountPoints(under: node.folder.path + "/run").isEmpty)
        #expect(try await !isOnDisk(node.folder.path))
        await node.close()
    }

    @Test("what a daemon that was killed left of containers that have ended is swept; what runs keeps its own")
    func sweep() async throws {
        let folder = try TestFolder()
        let node = try await TestNode.open(folder)
        var specification = node.specification("sleep 600")
        specification.spec.secrets = [secret("db", target: "db")]
        _ = try await node.engine.create(specification)
        try await node.engine.start(specification.id, contents: ["id-db": Array(Self.value.utf8)])
        let stray = ContainerFiles(path: folder.path + "/run/files/" + Identifier.randomHex(bytes: 32))
        try stray.write([secret("db", target: "db")], ["id-db": Array(Self.value.utf8)])
        let again = try await TestNode.open(folder, loading: false)
        #expect(!Files.exists(stray.path))
        let path = folder.path + "/run/files/" + specification.id
        #expect(try Files.readText(path + "/0") == Self.value)
        let pid = try #require(try await again.engine.record(specification.id).process?.pid)
        #expect(try Files.readText("/proc/\(pid)/root/run/secrets/db") == Self.value)
        try await again.engine.stop(specification.id, grace: .zero)
        try await eventually { !Files.exists(path) }
        await again.close()
        node.loop.stop()
    }

    @Test("written twice, the last one counts; taken away twice is fine")
    func again() throws {
        let folder = try TestFolder()
        defer { folder.remove() }
        let files = ContainerFiles(path: folder.path + "/f")
        try files.remove()
        for text in ["one", "two"] { try files.write([secret("db", target: "db")], ["id-db": Array(text.utf8)]) }
        #expect(try Files.readText(files.source(of: 0)) == "two")
        try files.remove()
        try files.remove()
        #expect(!Files.exists(files.path))
    }
}
