import Model
import Platform
import Synchronization
import TestSupport
import Testing

@testable import clusterctl

/// Whole command lines over a real unix socket.
@Suite(.timeLimit(.minutes(1))) struct EndToEndTests {
    @Test func aServicesLife() async throws {
        let daemon = try StandInDaemon()
        let made = await daemon.run(
            "service", "deploy", "web", "--image", "demo:1", "--replicas", "2", "--publish", "8080:80", "--", "httpd",
            "-f")
        #expect(made.status == 0, "\(made)")
        #expect(made.output.hasPrefix("web created (servicewebaaaaaaaaaaaaaaaa)\nweb converged in "))
        let list = await daemon.run("service", "ls")
        #expect(
            list.output.contains("serviceweba    web    replicated   2/2") || list.output.contains("2/2"), "\(list)")
        let tasks = await daemon.run("service", "ps", "web", "--format", "{{.Name}} {{.NodeName}} {{.Status.State}}")
        #expect(tasks.output == "web.1 host1 running\nweb.2 host2 running\n", "\(tasks)")
        let scaled = await daemon.run("service", "scale", "web=3", "--quiet")
        #expect(scaled.output == "web scaled to 3\n" && scaled.status == 0)
        let again = await daemon.run("service", "deploy", "web", "--image", "demo:2", "--detach")
        #expect(again.output == "web updated (servicewebaaaaaaaaaaaaaaaa)\n")
        #expect(daemon.state.withLock { $0.services.values.first?.spec.mode } == .replicated(3))
        let back = await daemon.run("service", "rollback", "web", "-d")
        #expect(back.status == 0)
        let image = await daemon.run(
            "service", "inspect", "web", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}")
        #expect(image.output == "demo:1\n")
        let updated = await daemon.run("service", "update", "web", "--env-add", "A=1", "--detach")
        #expect(updated.status == 0)
        #expect(daemon.state.withLock { $0.services.values.first?.spec.taskTemplate.containerSpec?.env } == ["A=1"])
        let logs = await daemon.run("service", "logs", "web", "--tail", "5")
        #expect(logs.output == "web.1.task0webaaaa@host1    | hello from the service\n", "\(logs)")
        let removed = await daemon.run("service", "rm", "web")
        #expect(removed.output == "web\n" && removed.status == 0)
        #expect(await daemon.run("service", "rm", "web").status == 1)
    }

    @Test func aServiceThatDoesNotComeUpSaysWhy() async throws {
        let daemon = try StandInDaemon()
        let result = await daemon.run("service", "deploy", "web", "--image", "broken:1", "--timeout", "300ms")
        #expect(result.status == 1)
        #expect(result.error.contains("web is not up after"), "\(result)")
        #expect(result.error.contains("web.1  pending on host1: no suitable node (2 nodes: no such image)"))
        #expect(result.error.contains("clusterctl service ps web"))
    }

    @Test func nodesAreChanged() async throws {
        let daemon = try StandInDaemon()
        daemon.state.withLock { $0.staleAnswers = 2 }
        #expect(await daemon.run("node", "drain", "host2").status == 0)
        #expect(daemon.state.withLock { $0.nodes[1].spec.availability } == .drain)
        let labelled = await daemon.run("node", "update", "self", "--label-add", "disk=ssd")
        #expect(labelled.output == "host1\n")
        #expect(daemon.state.withLock { $0.nodes[0].spec.labels } == ["disk": "ssd"])
        let list = await daemon.run("node", "ls")
        #expect(list.output.contains("node1aaaaaaaaaaaaaaaaaaaaa *"), "\(list)")
        let ids = await daemon.run("node", "ls", "--format", "{{.ID}} {{.Hostname}}")
        #expect(ids.output.hasPrefix("node1aaaaaaaaaaaaaaaaaaaaa host1\n"), "\(ids)")
        #expect(list.output.contains("Drain") && list.output.contains("Leader"))
        let status = await daemon.run("status")
        #expect(status.output.contains("1 of 1 reachable, leader: host1"), "\(status)")
        #expect(await daemon.run("manager", "ls", "-q").output == "node1aaaaaaaaaaaaaaaaaaaaa\n")
        #expect(await daemon.run("node", "inspect", "host9").error.contains("node host9 not found"))
    }

    @Test func nodesBecomeManagersAndWorkers() async throws {
        let daemon = try StandInDaemon()
        let promoted = await daemon.run("node", "promote", "host2")
        #expect(
            promoted.status == 0 && promoted.output == "Node host2 promoted to a manager in the swarm.\n", "\(promoted)"
        )
        #expect(await daemon.run("manager", "add", "host2").output == "Node host2 is a manager already.\n")
        #expect(await daemon.run("manager", "transfer", "host2").output == "host2 leads.\n")
        let demoted = await daemon.run("manager", "rm", "host1", "host2")
        #expect(demoted.output.hasSuffix("Manager host2 demoted in the swarm.\n"), "\(demoted)")
        // Nobody takes the steps: it says so, and how far it is.
        daemon.state.withLock { $0.changesRoles = false }
        let slow = await daemon.run("node", "promote", "host1", "--timeout", "300ms")
        #expect(slow.status == 1 && slow.error.contains("host1 is not a manager after"), "\(slow)")
        #expect(await daemon.run("manager", "ls").output.contains("Joining"))
        #expect(await daemon.run("node", "update", "host2", "--role", "manager").status == 0)
        #expect(await daemon.run("node", "update", "host2", "--role", "king").status == 64)
        daemon.state.withLock { $0.nodes[1].status.state = .down }
        let absent = await daemon.run("node", "demote", "host2")
        #expect(absent.status == 0 && absent.error.contains("when it comes back"), "\(absent)")
        daemon.state.withLock {
            $0.nodes[0].managerStatus = .init(reachability: .unreachable, address: "10.0.0.1:2377")
        }
        _ = await daemon.run("node", "demote", "host1", "-d")
        #expect(await daemon.run("manager", "ls").output.contains("Unreachable (leaving)"))
    }

    @Test func clustersAreMadeAndEntered() async throws {
        let daemon = try StandInDaemon()
        let made = await daemon.run("init", "--advertise-addr", "10.0.0.1")
        #expect(made.output.contains("clusterctl join --token SWMTKN-1-a-w 10.0.0.1:2377"), "\(made)")
        #expect(await daemon.run("manager", "token", "manager", "--quiet").output == "SWMTKN-1-a-m\n")
        #expect(await daemon.run("join", "--token", "SWMTKN-1-a-w", "10.0.0.1").output.contains("joined the cluster"))
        #expect(await daemon.run("join", "--token", "secret", "10.0.0.1").status == 64)
        #expect(await daemon.run("init", "--ca-cert", "/nowhere").status == 64)
        let missing = await daemon.run("init", "--ca-cert", "/nowhere", "--ca-key", "/nowhere")
        #expect(missing.status == 1 && missing.error.contains("/nowhere"), "\(missing)")
    }

    @Test func theRootIsShownAndChanged() async throws {
        let daemon = try StandInDaemon()
        #expect(await daemon.run("manager", "ca").output == "-----BEGIN CERTIFICATE-----\n")
        #expect(await daemon.run("manager", "ca", "turn").status == 64)
        #expect(await daemon.run("manager", "ca", "rotate", "--ca-key", "/nowhere").status == 64)
        let done = await daemon.run("manager", "ca", "rotate")
        #expect(done.status == 0 && done.output.contains("has another root"), "\(done)")
        #expect(daemon.state.withLock { $0.swarmUpdate?["Name"] } == .string("default"))
        daemon.state.withLock { $0.rotationAnswers = 1000 }
        let slow = await daemon.run("manager", "ca", "rotate", "--timeout", "300ms")
        #expect(slow.status == 1 && slow.error.contains("1 of 2, waiting for host2 (ready)"), "\(slow)")
        #expect(slow.error.contains("node rm --force NODE"))
        let other = await daemon.run("manager", "ca", "rotate", "--detach")
        #expect(other.status == 0 && other.output.isEmpty)
    }

    @Test func imagesAndNetworks() async throws {
        let daemon = try StandInDaemon()
        let directory = try TemporaryDirectory()
        let tar = directory.file("image.tar")
        try Files.write(tar, [UInt8](repeating: 7, count: 3 << 20))
        let loaded = await daemon.run("image", "load", "-i", tar)
        #expect(loaded.output == "Loaded image: demo:1\n" && loaded.status == 0, "\(loaded)")
        #expect(daemon.state.withLock { $0.loaded } == 3 << 20)
        let list = await daemon.run("image", "ls")
        #expect(list.output.contains("host:5000/demo   2") && list.output.contains("4.2MB"), "\(list)")
        #expect(await daemon.run("image", "tag", "team/demo:1", "host:5000/x:2").status == 0)
        let missing = await daemon.run("image", "load", "-i", directory.file("none.tar"))
        #expect(missing.status == 1 && missing.error.contains("No such file"))
        #expect(await daemon.run("network", "create", "app", "--subnet", "10.0.1.0/24").output == "net1\n")
        #expect(await daemon.run("network", "ls").output.contains("10.0.1.0/24"))
        #expect(await daemon.run("network", "create", "app", "--gateway", "10.0.1.1").status == 64)
    }

    @Test func aWorkerNamesItsManagers() async throws {
        let daemon = try StandInDaemon()
        daemon.state.withLock { $0.isManager = false }
        let result = await daemon.run("node", "ls")
        #expect(result.status == 1)
        #expect(result.error.contains("this node is a worker\nAsk a manager: they are at 10.0.0.1:2377."), "\(result)")
        #expect(await daemon.run("status").output.contains("worker"))
    }

    @Test func noDaemonIsStatus69() async throws {
        let directory = try TemporaryDirectory()
        let recording = RecordingConsole()
        let status = await Clusterctl.run(
            ["--host", "unix://" + directory.file("none.sock"), "version"], environment: [:], console: recording.console
        )
        #expect(status == 69)
        #expect(recording.output.hasPrefix("clusterctl  0.1.0"))
        #expect(recording.error.contains("Is the daemon running here?"))
        let usage = RecordingConsole()
        #expect(await Clusterctl.run(["--host", "ftp://x", "version"], environment: [:], console: usage.console) == 64)
    }

    @Test func helpNeedsNoDaemon() async {
        for words in [[], ["--help"], ["service"], ["service", "deploy", "--help"], ["completion", "bash"]] {
            let recording = RecordingConsole()
            #expect(await Clusterctl.run(words, environment: [:], console: recording.console) == 0)
            #expect(!recording.output.isEmpty && recording.error.isEmpty)
        }
    }
}
