import Model
import Platform
import Testing

@testable import Daemon

@Suite struct SystemInfoPolicyTests {
    private func shown(_ rules: AccessPolicy.Rule...) -> SystemInfo {
        var swarm = SystemInfo.Swarm()
        (swarm.nodeID, swarm.nodeAddress, swarm.controlAvailable, swarm.nodes) = ("n1", "192.0.2.1", true, 5)
        swarm.remoteManagers = [.init(nodeID: "n1", address: "192.0.2.1:2377")]
        swarm.cluster = .init(
            Cluster(
                id: "c1", createdAt: .zero, spec: ClusterSpec(name: "default"), dataPathPort: 4789,
                defaultAddressPool: [], subnetSize: 24))
        var info = SystemInfo(
            id: "engine", name: "host1", containers: 3, containersRunning: 2, containersStopped: 1, images: 4,
            systemTime: .zero, cgroupVersion: "2", kernelVersion: "6.1", operatingSystem: "Linux", osVersion: "12",
            architecture: "x86_64", ncpu: 2, memTotal: 7, rootDirectory: "/var/lib/clusterd", serverVersion: "1",
            runtime: "runc", runtimePath: "/usr/sbin/runc", swarm: swarm)
        info.show(to: AccessPolicy(rules: rules))
        return info
    }

    @Test func whoMayReadTheClusterSeesEverything() {
        let info = shown(.init(kind: .cluster, access: .read))
        #expect(info.name == "host1" && info.containers == 3 && info.swarm.nodes == 5 && info.swarm.cluster != nil)
    }

    @Test func labelsShowNothingOfTheHostNorOfOthers() {
        let info = shown(.init(kind: .any, access: .admin, labels: ["team=red"]))
        #expect(info.name.isEmpty && info.memTotal == 0 && info.dockerRootDir.isEmpty && info.kernelVersion.isEmpty)
        #expect((info.containers, info.containersRunning, info.images) == (0, 0, 0))
        #expect(info.swarm.nodes == nil && info.swarm.remoteManagers == nil && info.swarm.cluster == nil)
        #expect(info.swarm.nodeAddress.isEmpty)
        // What docker wants to know before it does anything.
        #expect(info.swarm.nodeID == "n1" && info.swarm.controlAvailable && info.serverVersion == "1")
    }

    @Test func eachRuleShowsItsKind() {
        let info = shown(.init(kind: .node, access: .read), .init(kind: .container, access: .read))
        #expect(info.swarm.nodes == 5 && info.containers == 3 && info.images == 0 && info.swarm.cluster == nil)
    }
}
