import Foundation
import Model
import Platform
import TestSupport
import Testing

@testable import Discovery

/// The real process, real namespaces, real `dig`.
@Suite(.enabled(if: ResolverTestBed.canRun, "needs root, network namespaces, dig and a built clusterd"))
struct ResolverProcessTests {
    static func withBed(_ body: (ResolverTestBed) async throws -> Void) async throws {
        let bed = try ResolverTestBed()
        do {
            try await body(bed)
        } catch {
            let log = (try? Files.readText(bed.directory.file("resolver.log"))) ?? "none"
            Issue.record("\(error); the resolver's log: \(log)")
        }
        await bed.close()
    }

    @Test func digIsAnsweredOverUDPAndTCP() async throws {
        try await Self.withBed { bed in
            let (first, second) = (try bed.namespace("a"), try bed.namespace("b"))
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: first.path, networkIDs: ["net-a"]))
            let otherPorts = try await bed.client.addSandbox(
                SandboxRegistration(id: "b", namespacePath: second.path, networkIDs: ["net-b"]))
            #expect(try await bed.dig(first, ports, "+short", "web") == ["10.0.1.2"])
            #expect(try await bed.dig(first, ports, "+short", "+tcp", "web") == ["10.0.1.2"])
            #expect(try await bed.dig(second, otherPorts, "+short", "web") == ["10.0.2.3"])
            #expect(try await bed.dig(first, ports, "+short", "tasks.web").sorted() == ["10.0.1.11", "10.0.1.12"])
            #expect(try await bed.dig(first, ports, "+short", "-x", "10.0.1.11") == ["web.1.t1.app."])
            let noData = try await bed.dig(first, ports, "web", "AAAA")
            #expect(noData.contains { $0.contains("status: NOERROR") } && noData.contains { $0.contains("ANSWER: 0") })
            let denied = try await bed.dig(first, ports, "-x", "10.0.1.99")
            #expect(denied.contains { $0.contains("status: NXDOMAIN") })
            // A change of the names, and of a sandbox's networks, counts at once.
            var state = try NameTableTests.state()
            state.revision = 8
            state.networks[1].services[0].address = IPv4Address("10.0.1.77")
            try await bed.client.setNames(NameState(state))
            #expect(try await bed.dig(first, ports, "+short", "web") == ["10.0.1.77"])
            let same = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: first.path, networkIDs: ["net-b", "net-a"]))
            #expect(same == ports)
            #expect(try await bed.dig(first, ports, "+short", "web") == ["10.0.2.3"])
            // Older names are refused, and a sandbox that is removed is answered no more.
            await #expect(throws: ResolverError.self) { try await bed.client.setNames(NameState(revision: 3)) }
            #expect(try await bed.dig(first, ports, "+short", "web") == ["10.0.2.3"])
            // A new daemon counts anew.
            let successor = ResolverClient(runDirectory: bed.directory.path, loop: bed.loop)
            try await successor.setNames(NameState(revision: 1))
            #expect(try await bed.dig(first, ports, "+short", "web") == [])
            try await successor.setNames(NameState(state))
            try await bed.client.removeSandbox(id: "a")
            #expect(try await bed.dig(first, ports, "+short", "web").contains { $0.hasPrefix("10.") } == false)
            #expect(try await bed.client.sandboxes().map(\.registration.id) == ["b"])
            #expect(try await bed.client.status().answered >= 9)
        }
    }

    @Test func aBigAnswerComesOverTCPByItself() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            let addresses = (0..<2_000).map { HostAddress.ipv4(IPv4Address(value: 0x0A01_0000 + $0)) }
            let names = NetworkNames(id: "n", name: "app", entries: [NameEntry(name: "big", addresses: addresses)])
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(revision: 1, networks: [names]))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["n"]))
            #expect(try await bed.dig(namespace, ports, "+short", "+tcp", "big").count == 2_000)
            let cut = try await bed.dig(namespace, ports, "+ignore", "+noedns", "big")
            #expect(cut.contains { $0.contains("flags:") && $0.contains(" tc") })
        }
    }

    @Test func aKilledResolverComesBackOnTheSamePorts() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            try await bed.client.ensureRunning(try bed.launch())
            let supervisor = Task { await bed.client.supervise() }
            defer { supervisor.cancel() }
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"]))
            for _ in 0..<2 {
                let pid = try await bed.client.status().pid
                #expect(kill(pid, SIGKILL) == 0)
                let clock = ContinuousClock()
                let start = clock.now
                try await eventually { ((try? await bed.client.status().pid) ?? pid) != pid }
                print("resolver: back \(clock.now - start) after SIGKILL")
                #expect(try await bed.client.sandboxes().map(\.ports) == [ports])
                #expect(try await bed.dig(namespace, ports, "+short", "web") == ["10.0.1.2"])
            }
            supervisor.cancel()
        }
    }

    @Test func itOutlivesTheProcessThatStartedItAndIsAdopted() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            // A shell starts the resolver and is killed: what SIGKILL of the daemon does.
            let launch = try bed.launch()
            let line =
                "setsid \(launch.executable) resolver --run-dir \(bed.directory.path) --upstream 127.0.0.1:9 & sleep 60"
            let parent = try ChildProcess.spawn(ChildProcess.Command("/bin/sh", ["-c", line]), loop: bed.loop)
            try await eventually { (try? await bed.client.status()) != nil }
            try await bed.client.ensureRunning(launch)
            let pid = try await bed.client.status().pid
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"]))
            try parent.signal(SIGKILL)
            _ = await parent.wait()
            #expect(try await bed.dig(namespace, ports, "+short", "web") == ["10.0.1.2"])
            let adopting = ResolverClient(runDirectory: bed.directory.path, loop: bed.loop)
            try await adopting.ensureRunning(launch)
            #expect(try await adopting.status().pid == pid)
            #expect(try await adopting.sandboxes().map(\.ports) == [ports])
            // A second one in the same run directory gives up, and leaves the first alone.
            #expect(
                try await adopting.addSandbox(
                    SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"])) == ports)
        }
    }

    @Test func foreignNamesAreAskedOfTheUpstreamServers() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            let upstream = try FakeUpstream(loop: bed.loop)
            defer { upstream.close() }
            // The first server is silent: nobody listens there.
            try await bed.client.ensureRunning(try bed.launch(["127.0.0.1:9", upstream.address.description]))
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"]))
            #expect(try await bed.dig(namespace, ports, "+short", "example.com") == ["192.0.2.1"])
            #expect(try await bed.dig(namespace, ports, "+short", "+tcp", "example.com") == ["192.0.2.1"])
            let failed = try await bed.dig(namespace, ports, "broken.example")
            #expect(failed.contains { $0.contains("status: SERVFAIL") })
            #expect(try await bed.dig(namespace, ports, "+short", "web") == ["10.0.1.2"])
            #expect(!upstream.asked.contains { $0.hasPrefix("web") })
            #expect(try await bed.client.status().forwarded == 3)
        }
    }

    @Test func manySandboxesComeAndGoAtOnce() async throws {
        try await Self.withBed { bed in
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let namespaces = try (0..<20).map { try bed.namespace("\($0)") }
            let client = bed.client
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (index, namespace) in namespaces.enumerated() {
                    for _ in 0..<2 {
                        group.addTask {
                            let registration = SandboxRegistration(
                                id: "s\(index)", namespacePath: namespace.path, networkIDs: ["net-a"])
                            let ports = try await client.addSandbox(registration)
                            #expect(try await client.addSandbox(registration) == ports)
                        }
                    }
                }
                for revision in 8..<60 as Range<UInt64> {
                    group.addTask {
                        var state = try NameTableTests.state()
                        state.revision = revision
                        // One that comes late is refused, or was replaced by a later one before it was sent.
                        try? await client.setNames(NameState(state))
                    }
                }
                try await group.waitForAll()
            }
            let statuses = try await client.sandboxes()
            #expect(statuses.count == 20)
            for (index, namespace) in namespaces.enumerated() {
                let status = try #require(statuses.first { $0.registration.id == "s\(index)" })
                #expect(try await bed.dig(namespace, status.ports, "+short", "web") == ["10.0.1.2"])
            }
            for index in 0..<20 { try await client.removeSandbox(id: "s\(index)") }
            #expect(try await client.sandboxes().isEmpty)
        }
    }

    @Test func whatIsLostOrStoppedIsForgotten() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            let registration = SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"])
            let server = ResolverServer(
                runDirectory: bed.directory.path, upstreams: UpstreamSource(fixed: UpstreamServers([])), loop: bed.loop)
            _ = try await server.addSandbox(registration)
            await server.sweep()
            #expect(await server.listSandboxes().count == 1)
            try namespace.remove()
            await server.sweep()
            #expect(await server.listSandboxes().isEmpty)
            let second = try bed.namespace("b")
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            _ = try await bed.client.addSandbox(
                SandboxRegistration(id: "b", namespacePath: second.path, networkIDs: ["net-a"]))
            try await bed.client.stop()
            try await bed.client.ensureRunning(try bed.launch())
            #expect(try await bed.client.status().revision == 0)
            #expect(try await bed.client.sandboxes().isEmpty)
        }
    }

    @Test func aNamespaceMadeAnewAtTheSamePathIsServed() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            let registration = SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"])
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            _ = try await bed.client.addSandbox(registration)
            try namespace.remove()
            await #expect(throws: ResolverError.self) { try await bed.client.addSandbox(registration) }
            let second = try bed.namespace("a")
            let ports = try await bed.client.addSandbox(registration)
            #expect(try await bed.dig(second, ports, "+short", "web") == ["10.0.1.2"])
        }
    }

    /// A program that speaks another major version stands in for a resolver of another release.
    @Test(.enabled(if: Probe.hasProgram("python3")))
    func aResolverOfAnotherVersionIsReplacedOnTheSamePorts() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"]))
            let pid = try await bed.client.status().pid
            kill(pid, SIGTERM)
            try await eventually { kill(pid, 0) == -1 }
            try Files.unlink(bed.directory.file("resolver.sock"))
            let program = """
                import fcntl, os, socket, struct
                lock = open("resolver.lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)
                listener = socket.socket(socket.AF_UNIX); listener.bind("resolver.sock"); listener.listen()
                while True:
                    peer, _ = listener.accept()
                    peer.sendall(b"MLRS" + struct.pack(">HHI", 9, 0, os.getpid())); held = peer
                """
            let other = try ChildProcess.spawn(
                ChildProcess.Command("python3", ["-c", program], workingDirectory: bed.directory.path), loop: bed.loop)
            try await eventually { Files.exists(bed.directory.file("resolver.sock")) }
            try await bed.client.ensureRunning(try bed.launch())
            #expect(await other.wait() == .signaled(SIGTERM))
            #expect(try await bed.client.sandboxes().map(\.ports) == [ports])
            #expect(try await bed.dig(namespace, ports, "+short", "web") == ["10.0.1.2"])
        }
    }

    @Test func garbageOnItsSocketsDoesNotStopIt() async throws {
        try await Self.withBed { bed in
            let namespace = try bed.namespace("a")
            try await bed.client.ensureRunning(try bed.launch())
            try await bed.client.setNames(NameState(try NameTableTests.state()))
            let ports = try await bed.client.addSandbox(
                SandboxRegistration(id: "a", namespacePath: namespace.path, networkIDs: ["net-a"]))
            let pid = try await bed.client.status().pid
            let queries = try ["tasks.web", "1.1.1.1.in-addr.arpa"].map {
                DNSMessage(id: 5, query: DNSQuestion(try DomainName($0), .a)).encoded()
            }
            try await namespace.perform {
                var mutator = Mutator(queries, spice: DNSMessageTests.spice, seed: 9)
                let udp = Descriptor(owning: try checked(socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "socket"))
                try checked(
                    try SocketAddress.ipv4(SandboxSockets.address, ports.udp).withSockaddr {
                        connect(udp.rawValue, $0, $1)
                    }, "connect")
                for _ in 0..<3_000 {
                    let bytes = mutator.next()
                    _ = send(udp.rawValue, bytes, bytes.count, 0)
                }
            }
            for seed in 0..<20 as Range<UInt64> {
                let bytes = {
                    var random = Seeded(seed)
                    return random.bytes(Int.random(in: 1...5_000, using: &random))
                }()
                let control = try await SocketStream.connect(
                    to: .unix(bed.directory.file("resolver.sock")), loop: bed.loop)
                try? await control.write(bytes)
                control.close()
            }
            #expect(try await bed.dig(namespace, ports, "+short", "web") == ["10.0.1.2"])
            #expect(try await bed.client.status().pid == pid)
        }
    }
}
