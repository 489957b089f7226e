import Model

extension SystemInfo {
    /// Takes out what a token's policy does not let it read: without `read` of `cluster` a node says which programs it speaks
    /// with, and that it is in a cluster, which docker asks for before anything else; nothing of its host, and of others no more
    /// than how many a rule without labels shows.
    mutating func show(to policy: AccessPolicy) {
        guard !policy.allows(.read, .cluster) else { return }
        if !policy.allows(.read, .container) { (containers, containersRunning, containersStopped) = (0, 0, 0) }
        if !policy.allows(.read, .image) { images = 0 }
        (id, name, kernelVersion, operatingSystem, osVersion, dockerRootDir) = ("", "", "", "", "", "")
        (ncpu, memTotal, warnings) = (0, 0, nil)
        for name in runtimes.keys { runtimes[name]?.path = "" }
        swarm.cluster = nil
        if !swarm.error.isEmpty { swarm.error = "this node is not well: ask who may read the cluster" }
        (swarm.remoteManagers, swarm.nodeAddress) = (nil, "")
        guard !policy.allows(.read, .node) else { return }
        (swarm.nodes, swarm.managers) = (nil, nil)
    }
}
