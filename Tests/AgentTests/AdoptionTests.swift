import Foundation
import Glibc
import Model
import Platform
import Testing

@testable import Agent

/// Set in the process that is to be killed.
private let victimFolder = ProcessInfo.processInfo.environment["AGENT_VICTIM_FOLDER"]

/// The process that makes the containers of `AdoptionTests` and is killed: this test program once more.
@Suite(.enabled(if: victimFolder != nil))
struct AdoptionVictim {
    @Test func makeContainersAndWaitForTheEnd() async throws {
        let path = try #require(victimFolder)
        let node = try await TestNode.open(TestFolder(adopting: path))
        _ = try await node.run(node.specification("echo started; sleep 600", name: "long"))
        _ = try await node.run(node.specification("while [ ! -e /go ]; do sleep 0.02; done; exit 42", name: "away"))
        _ = try await node.engine.create(node.specification("exit 3", name: "made"))
        try Files.write(path + "/ready", [])
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}

@Suite(.enabled(if: canRunContainers && victimFolder == nil), .timeLimit(.minutes(2)))
struct AdoptionTests {
    @Test("the process that made them dies by SIGKILL: containers run on, are taken up, and exits while away are seen")
    func sigkill() async throws {
        let folder = try TestFolder()
        let loop = try EventLoop(name: "adoption")
        defer { loop.stop() }
        var environment = ProcessInfo.processInfo.environment
        environment["AGENT_VICTIM_FOLDER"] = folder.path
        let victim = try ChildProcess.spawn(
            .init(
                "/proc/self/exe", ["--testing-library", "swift-testing", "--filter", "AdoptionVictim"],
                environment: environment), loop: loop)
        for _ in 0..<1_000 where !Files.exists(folder.path + "/ready") && victim.status == nil {
            try await Task.sleep(for: .milliseconds(20))
        }
        try #require(victim.status == nil, "the victim ended by itself: \(String(describing: victim.status))")
        try victim.signal(SIGKILL)
        _ = await victim.wait()

        // One of them ends while nobody looks.
        let store = try ContainerStore(path: folder.path + "/data/containers.db")
        let before = Dictionary(uniqueKeysWithValues: try store.all().map { ($0.name, $0) })
        let away = try #require(before["away"])
        let long = try #require(before["long"]?.process)
        #expect(long.isAlive)
        try Files.write("\(folder.path)/data/containers/\(away.id)/root/go", [])
        for _ in 0..<500 where away.monitor?.isAlive == true { try await Task.sleep(for: .milliseconds(10)) }

        let node = try await TestNode.open(folder, loading: false)
        let after = Dictionary(uniqueKeysWithValues: await node.engine.list().map { ($0.name, $0) })
        #expect(after.count == 3)
        #expect(after["long"]?.state == .running)
        #expect(after["long"]?.process == long)
        #expect(after["away"]?.state == .exited)
        #expect(after["away"]?.exit?.code == 42)
        #expect(after["made"]?.state == .created)
        #expect(try await node.output(try #require(after["long"]).id) == ["stdout: started"])

        // What was only made can be started, what runs can be stopped, and both ends are seen.
        let made = try #require(after["made"]).id
        try await node.engine.start(made)
        #expect(try await node.engine.wait(made).code == 3)
        let exit = try await node.engine.stop(try #require(after["long"]).id, grace: .zero)
        #expect(exit?.code == 137)
        await node.close()
    }
}
