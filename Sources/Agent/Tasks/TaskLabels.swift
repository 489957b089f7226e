import Model

/// The labels that tell a task's container, as Docker writes them.
enum TaskLabels {
    static let taskID = "com.docker.swarm.task.id"

    /// The container's own labels and the cluster's.
    static func all(of task: ClusterTask, nodeID: String) -> [String: String] {
        var labels = task.spec.containerSpec?.labels ?? [:]
        labels["com.docker.swarm.node.id"] = nodeID
        labels["com.docker.swarm.service.id"] = task.serviceID
        labels["com.docker.swarm.service.name"] = task.serviceName
        labels["com.docker.swarm.task"] = ""
        labels[taskID] = task.id
        labels["com.docker.swarm.task.name"] = task.containerName
        return labels
    }
}
