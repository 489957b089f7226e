import Foundation
import Glibc
import Model
import Platform
import Testing

@testable import Agent

/// Whether this machine can run real containers: tests that need it skip visibly.
let canRunContainers: Bool = {
    guard getuid() == 0 else { return false }
    for program in ["runc", "conmon", "busybox", "tar"] {
        guard (try? findProgram(program, neededFor: "tests")) != nil else { return false }
    }
    return true
}()

/// An image made on the spot from this machine's busybox; one for all tests.
enum TestImage {
    static let tag = "martlet/test:1"

    /// The docker archive's path.
    static let archive = Result<String, any Error> {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("deploy/demo/make-image").path
        let path = FileManager.default.temporaryDirectory.path + "/agent-image-\(getpid()).tar"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: script)
        process.arguments = [path, tag]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw AgentError(.runtime, "make-image failed") }
        atexit { unlink(FileManager.default.temporaryDirectory.path + "/agent-image-\(getpid()).tar") }
        return path
    }
}

/// A folder of a test's own, removed with all mounts in it.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/agent-\(Identifier.random().prefix(10))"
        try Files.createDirectories(path)
    }

    init(adopting path: String) { self.path = path }

    func remove() {
        for mount in (try? OverlayMount.mountPoints(under: path)) ?? [] { try? OverlayMount.unmount(mount) }
        try? removeTree(path)
    }
}

/// The lower half of an agent in a folder of its own, with the test image loaded.
struct TestNode: Sendable {
    let folder: TestFolder
    let loop: EventLoop
    let images: ImageStore
    let engine: ContainerEngine
    let cgroupParent: String

    static func open(_ folder: TestFolder, loading: Bool = true) async throws -> TestNode {
        let loop = try EventLoop(name: "agent-test")
        let images = try ImageStore(directory: folder.path + "/data")
        if loading { _ = try await images.load(archive: TestImage.archive.get()) }
        let cgroupParent = "/martlet-test/\(folder.path.split(separator: "/").last ?? "none")"
        let engine = try await ContainerEngine.open(
            .init(dataDirectory: folder.path + "/data", runDirectory: folder.path + "/run", cgroupParent: cgroupParent),
            images: images, loop: loop)
        return TestNode(folder: folder, loop: loop, images: images, engine: engine, cgroupParent: cgroupParent)
    }

    func close() async {
        for record in await engine.list() {
            do {
                try await engine.remove(record.id, force: true)
            } catch {
                Issue.record("container \(record.name) stays: \(error)")
            }
        }
        for mountPoint in Set(engine.cgroups.controllers.values).union([engine.cgroups.unified].compactMap { $0 }) {
            rmdir(mountPoint + cgroupParent)
            // The last of the tests that run side by side takes the parent away.
            rmdir(mountPoint + "/martlet-test")
        }
        loop.stop()
        folder.remove()
    }

    func specification(
        _ script: String, name: String = Identifier.random(), namespace: String? = nil
    ) -> ContainerSpecification {
        let spec = ContainerSpec(image: TestImage.tag, command: ["/bin/sh", "-c", script])
        return ContainerSpecification(
            id: Identifier.randomHex(bytes: 32), name: name, spec: spec,
            network: ContainerNetwork(
                namespacePath: namespace, hosts: "127.0.0.1 localhost\n",
                resolverConfiguration: "nameserver 127.0.0.11\n"))
    }

    /// Makes and starts a container.
    func run(_ specification: ContainerSpecification) async throws -> String {
        _ = try await engine.create(specification)
        try await engine.start(specification.id)
        return specification.id
    }

    /// All that a container wrote so far, as text.
    func output(_ id: String, _ options: LogOptions = LogOptions()) async throws -> [String] {
        var cursor = engine.logReader(id).cursor(options) { true }
        var lines: [String] = []
        while let more = try await cursor.next() {
            lines += more.map { "\($0.stream.rawValue): \(String(decoding: $0.bytes, as: UTF8.self))" }
        }
        return lines
    }
}
