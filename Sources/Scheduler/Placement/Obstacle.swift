/// Why a node does not take a task, in the order in which nodes are examined.
enum Obstacle: Int, CaseIterable {
    case unavailable
    case resources
    case constraints
    case platform
    case hostPort
    case replicasPerNode

    func explanation(nodes: Int) -> String {
        let several = nodes == 1 ? "1 node" : "\(nodes) nodes"
        return switch self {
        case .unavailable: "\(several) not available for new tasks"
        case .resources: "insufficient resources on \(several)"
        case .constraints: "scheduling constraints not satisfied on \(several)"
        case .platform: "unsupported platform on \(several)"
        case .hostPort: "host-mode port already in use on \(several)"
        case .replicasPerNode: "max replicas per node limit exceed"
        }
    }

    /// The most frequent first, as Docker's `docker service ps` shows it.
    static func explanation(of counts: [Int]) -> String {
        let obstacles = allCases.filter { counts[$0.rawValue] > 0 }.sorted { left, right in
            let (leftCount, rightCount) = (counts[left.rawValue], counts[right.rawValue])
            return leftCount != rightCount ? leftCount > rightCount : left.rawValue < right.rawValue
        }
        guard !obstacles.isEmpty else { return "no suitable node" }
        let parts = obstacles.map { $0.explanation(nodes: counts[$0.rawValue]) }
        return "no suitable node (\(parts.joined(separator: "; ")))"
    }
}
