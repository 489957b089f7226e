import Foundation
import Glibc
import Model
import Platform
import Testing

@testable import Agent

@Suite(.enabled(if: canRunContainers), .timeLimit(.minutes(2)))
struct ContainerEngineTests {
    @Test("output, exit codes and the files of the sandbox")
    func runToTheEnd() async throws {
        let node = try await TestNode.open(try TestFolder())
        var specification = node.specification(
            "echo out; echo err >&2; cat /etc/hosts /etc/hostname /etc/resolv.conf; id -u; pwd; echo $GREETING; exit 7")
        specification.spec.user = "www:audio"
        specification.spec.dir = "/made/for/me"
        specification.spec.hostname = "box"
        specification.spec.env = ["GREETING=good day"]
        specification.spec.hosts = ["10.0.0.9 db database"]
        let id = try await node.run(specification)
        let exit = try await node.engine.wait(id)
        #expect(exit.code == 7)
        #expect(!exit.wasOutOfMemory)
        let output = try await node.output(id)
        #expect(output.contains("stderr: err"))
        #expect(
            output.filter { $0.hasPrefix("stdout") } == [
                "stdout: out", "stdout: 127.0.0.1 localhost", "stdout: 10.0.0.9 db database", "stdout: box",
                "stdout: nameserver 127.0.0.11", "stdout: 33", "stdout: /made/for/me", "stdout: good day",
            ])
        #expect(try await node.output(id, LogOptions(stderr: false, tail: 1)) == ["stdout: good day"])
        try await node.engine.remove(id)
        #expect(await node.engine.list().isEmpty)
        #expect(!Files.exists(node.engine.paths(id).bundle))
        await node.close()
    }

    @Test("two containers in namespaces of their own, with limits that the kernel confirms")
    func limits() async throws {
        let node = try await TestNode.open(try TestFolder())
        var namespaces: [NetworkNamespace] = []
        for index in 0..<2 {
            namespaces.append(try NetworkNamespace.create(at: "\(node.folder.path)/net\(index)"))
        }
        defer { for namespace in namespaces { try? namespace.remove() } }
        var ids: [String] = []
        for namespace in namespaces {
            var specification = node.specification("ip -o link; sleep 60", namespace: namespace.path)
            specification.limits = Resources(nanoCPUs: 500_000_000, memoryBytes: 64 << 20, pids: 33)
            ids.append(try await node.run(specification))
        }
        let cgroups = node.engine.cgroups
        for id in ids {
            let path = node.engine.cgroupPath(id)
            let isUnified = cgroups.isUnified
            #expect(
                cgroups.read(path, controller: "memory", file: isUnified ? "memory.max" : "memory.limit_in_bytes")
                    == String(64 << 20))
            #expect(cgroups.read(path, controller: "pids", file: "pids.max") == "33")
            let quota = cgroups.read(path, controller: "cpu", file: isUnified ? "cpu.max" : "cpu.cfs_quota_us")
            #expect(quota == (isUnified ? "50000 100000" : "50000"))
            let record = try await node.engine.record(id)
            let pid = try #require(record.process?.pid)
            let monitor = try #require(record.monitor?.pid)
            // The monitor is accounted apart from both the container and this process.
            let group = try Files.readText("/proc/\(monitor)/cgroup")
            #expect(group.contains(node.engine.monitorCgroupPath(id)))
            #expect(try Files.readText("/proc/\(pid)/cgroup").contains(path))
            let namespace = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/net")
            #expect(namespace != (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")))
        }
        for id in ids {
            // busybox's shell as process 1 ignores SIGTERM: the grace passes, then it is killed.
            let exit = try await node.engine.stop(id, grace: .milliseconds(200))
            #expect(exit?.code == 137)
        }
        await node.close()
        for namespace in namespaces { try namespace.remove() }
    }

    @Test("want of memory is told from other ends")
    func outOfMemory() async throws {
        let node = try await TestNode.open(try TestFolder())
        var specification = node.specification("x=a; while :; do x=$x$x$x; done")
        specification.limits = Resources(memoryBytes: 16 << 20)
        let id = try await node.run(specification)
        let exit = try await node.engine.wait(id)
        #expect(exit.code == 137)
        #expect(exit.wasOutOfMemory)
        await node.close()
    }

    @Test("a command that is not there: a clear error, and nothing is left")
    func commandNotFound() async throws {
        let node = try await TestNode.open(try TestFolder())
        var specification = node.specification("")
        specification.spec.command = ["/no/such/program"]
        _ = try await node.engine.create(specification)
        let error = await #expect(throws: AgentError.self) { try await node.engine.start(specification.id) }
        #expect(error?.message.contains("/no/such/program") == true)
        #expect(try await node.engine.record(specification.id).state == .created)
        try await node.engine.remove(specification.id)
        await node.close()
    }

    @Test("a graceful stop by the container's own signal")
    func gracefulStop() async throws {
        let node = try await TestNode.open(try TestFolder())
        var specification = node.specification("trap 'echo bye; exit 5' USR1; echo ready; while :; do sleep 0.05; done")
        specification.spec.stopSignal = "SIGUSR1"
        let id = try await node.run(specification)
        var cursor = node.engine.logReader(id).cursor(LogOptions(follow: true)) { false }
        #expect(try await cursor.next()?.first?.bytes == Array("ready".utf8))
        let exit = try await node.engine.stop(id, grace: .seconds(10))
        #expect(exit?.code == 5)
        #expect(try await cursor.next()?.first?.bytes == Array("bye".utf8))
        await node.close()
    }

    @Test("start time and memory, fifty containers four wide")
    func fifty() async throws {
        guard ProcessInfo.processInfo.environment["AGENT_MEASURE"] != nil else { return }
        let node = try await TestNode.open(try TestFolder())
        var singles: [Double] = []
        for _ in 0..<20 {
            let specification = node.specification("sleep 100")
            let begin = MonotonicClock.nanoseconds()
            _ = try await node.engine.create(specification)
            let made = MonotonicClock.nanoseconds()
            try await node.engine.start(specification.id)
            let end = MonotonicClock.nanoseconds()
            singles.append(Double(end - begin) / 1e6)
            print("create \(Double(made - begin) / 1e6) ms, start \(Double(end - made) / 1e6) ms")
        }
        print("one after the other: p50 \(singles.sorted()[10]) ms")
        let begin = MonotonicClock.nanoseconds()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { _ = try await node.run(node.specification("sleep 100")) } }
            try await group.waitForAll()
        }
        print("50 four wide: \(Double(MonotonicClock.nanoseconds() - begin) / 1e9) s")
        var monitors = 0
        for record in await node.engine.list() {
            guard let pid = record.monitor?.pid else { continue }
            let status = try Files.readText("/proc/\(pid)/smaps_rollup")
            let line = status.split(separator: "\n").first { $0.hasPrefix("Pss:") } ?? ""
            monitors += line.split(separator: " ").compactMap { Int($0) }.first ?? 0
        }
        print("monitors: \(monitors / 70) kB each (proportional set size)")
        let removal = MonotonicClock.nanoseconds()
        await node.close()
        print("70 removed in \(Double(MonotonicClock.nanoseconds() - removal) / 1e9) s, one after the other")
    }
}
