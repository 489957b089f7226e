import Model
import Testing

@testable import clusterctl

@Suite struct ServiceSpecTests {
    private func deploy(_ words: String..., previous: ServiceSpec? = nil) throws -> ServiceSpec {
        let arguments = try ArgumentParser.parse(["web", "--image", "demo:1"] + words, for: ServiceDeploy.syntax)
        return try ServiceSpec.spec(name: "web", from: arguments, previous: previous)
    }

    private func update(_ spec: ServiceSpec, _ words: String...) throws -> ServiceSpec {
        var spec = spec
        try spec.edit(with: try ArgumentParser.parse(["web"] + words, for: ServiceUpdate.syntax))
        return spec
    }

    @Test func theLeastIsOneReplica() throws {
        let spec = try deploy()
        #expect(spec.mode == .replicated(1))
        #expect(spec.taskTemplate.containerSpec == ContainerSpec(image: "demo:1"))
        #expect(spec.taskTemplate.resources == nil && spec.taskTemplate.placement == nil && spec.endpointSpec == nil)
    }

    @Test func everythingIsSaid() throws {
        let spec = try deploy(
            "--replicas", "3", "--network", "app", "-p", "8080:80", "-e", "A=1", "-e", "B", "--constraint",
            "node.role==worker",
            "--label", "team=x", "--container-label", "c=y", "--limit-cpu", "0.5", "--limit-memory", "64M",
            "--limit-pids", "10",
            "--reserve-memory", "32M", "--restart-condition", "on-failure", "--restart-delay", "1s",
            "--restart-max-attempts",
            "4", "--update-order", "start-first", "--mount", "/a:/b", "--hostname", "h", "--user", "1000", "--workdir",
            "/w",
            "--stop-grace-period", "2s", "--entrypoint", "sh -c", "--host-entry", "db:10.0.0.9", "--", "sleep", "1 0")
        let container = try #require(spec.taskTemplate.containerSpec)
        #expect(container.command == ["sh", "-c"] && container.args == ["sleep", "1 0"])
        #expect(container.env == ["A=1", "B"] && container.labels == ["c": "y"] && container.hosts == ["10.0.0.9 db"])
        #expect(container.hostname == "h" && container.user == "1000" && container.dir == "/w")
        #expect(container.stopGracePeriod == 2_000_000_000)
        #expect(container.mounts == [Mount(type: .bind, source: "/a", target: "/b")])
        #expect(spec.labels == ["team": "x"] && spec.mode == .replicated(3))
        #expect(spec.taskTemplate.networks == [NetworkAttachmentConfig(target: "app")])
        #expect(spec.taskTemplate.placement?.constraints == ["node.role==worker"])
        #expect(
            spec.taskTemplate.resources?.limits
                == Resources(nanoCPUs: 500_000_000, memoryBytes: 64 << 20, pids: 10))
        #expect(spec.taskTemplate.resources?.reservations == Resources(memoryBytes: 32 << 20))
        #expect(
            spec.taskTemplate.restartPolicy
                == RestartPolicy(condition: .onFailure, delay: 1_000_000_000, maxAttempts: 4))
        #expect(spec.updateConfig == UpdateConfig(parallelism: 1, order: "start-first"))
        #expect(spec.endpointSpec == EndpointSpec(mode: .vip, ports: [PortConfig(targetPort: 80, publishedPort: 8080)]))
    }

    @Test func aSecondDeployKeepsOnlyTheReplicas() throws {
        let first = try deploy("--replicas", "5", "-e", "A=1")
        let second = try deploy(previous: first)
        #expect(second.mode == .replicated(5) && second.taskTemplate.containerSpec?.env == nil)
        #expect(try deploy("--global", previous: first).mode == .global)
        #expect(throws: UsageError.self) { try deploy("--global", "--replicas", "2") }
    }

    @Test func updateLeavesTheRest() throws {
        let old = try deploy(
            "--replicas", "2", "-e", "A=1", "-e", "B=2", "-p", "8080:80", "--network", "app", "--constraint",
            "node.id==x",
            "--limit-memory", "64M", "--label", "a=b", "--mount", "/a:/b", "--", "run")
        #expect(try update(old) == old)
        let new = try update(
            old, "--image", "demo:2", "--env-add", "A=9", "--env-rm", "B", "--publish-add", "9090:90", "--publish-rm",
            "80",
            "--network-add", "name=other,alias=o", "--network-rm", "app", "--constraint-rm", "node.id==x",
            "--constraint-add",
            "node.role==worker", "--limit-cpu", "1", "--label-add", "c=d", "--label-rm", "a", "--mount-add", "/c:/b",
            "--replicas", "4", "--update-delay", "1s", "--restart-delay", "2s")
        let container = try #require(new.taskTemplate.containerSpec)
        #expect(container.image == "demo:2" && container.env == ["A=9"] && container.args == ["run"])
        #expect(container.mounts == [Mount(type: .bind, source: "/c", target: "/b")])
        #expect(new.endpointSpec?.ports == [PortConfig(targetPort: 90, publishedPort: 9090)])
        #expect(new.taskTemplate.networks == [NetworkAttachmentConfig(target: "other", aliases: ["o"])])
        #expect(new.taskTemplate.placement?.constraints == ["node.role==worker"])
        #expect(new.taskTemplate.resources?.limits == Resources(nanoCPUs: 1_000_000_000, memoryBytes: 64 << 20))
        #expect(new.labels == ["c": "d"] && new.mode == .replicated(4))
        #expect(new.updateConfig == UpdateConfig(parallelism: 1, delay: 1_000_000_000))
        #expect(new.taskTemplate.restartPolicy?.delay == 2_000_000_000)
    }

    @Test func forceAndScale() throws {
        let spec = try deploy()
        #expect(try update(update(spec, "--force"), "--force").taskTemplate.forceUpdate == 2)
        #expect(try update(spec, "--", "a", "b").taskTemplate.containerSpec?.args == ["a", "b"])
        var global = try deploy("--global")
        #expect(throws: UsageError.self) { try global.scale(to: 3) }
    }
}
