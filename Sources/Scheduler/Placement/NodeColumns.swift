import Model

/// What of the nodes does not change while tasks are placed, worked out once for all groups that ask the same.
struct NodeColumns {
    /// Kinds of placement whose answers are kept; with more, the oldest answers go.
    private static let maximumKept = 64

    /// The values of one subject on all nodes, as numbers from zero.
    struct Values {
        var numbers: [Int] = []
        /// For each number: decides between equal branches, differently for each seed.
        var ties: [UInt64] = []
    }

    private struct Demand: Hashable {
        var constraints: [String]
        var platforms: [NodeDescription.Platform]
    }

    private let nodes: [NodeLoad]
    private let seed: UInt64
    private var obstacles: [Demand: [Obstacle?]] = [:]
    private var values: [Constraint.Subject: Values] = [:]

    init(nodes: [NodeLoad], seed: UInt64) {
        self.nodes = nodes
        self.seed = seed
    }

    /// For each node whether it is unavailable, fails the constraints, or is of another platform; nil if nothing of that.
    mutating func obstacles(to placement: Placement?) throws(ConstraintError) -> [Obstacle?] {
        let demand = Demand(constraints: placement?.constraints ?? [], platforms: placement?.platforms ?? [])
        if let known = obstacles[demand] { return known }
        let constraints = try ConstraintSet(demand.constraints)
        let found = nodes.map { node -> Obstacle? in
            if !node.traits.takesTasks { return .unavailable }
            if !constraints.isSatisfied(by: node.traits) { return .constraints }
            return node.traits.supports(demand.platforms) ? nil : .platform
        }
        if obstacles.count >= NodeColumns.maximumKept { obstacles = [:] }
        obstacles[demand] = found
        return found
    }

    mutating func values(of subject: Constraint.Subject) -> Values {
        if let known = values[subject] { return known }
        var found = Values()
        var numbers: [String: Int] = [:]
        for node in nodes {
            let value = subject.value(on: node.traits)
            if let number = numbers[value] {
                found.numbers.append(number)
            } else {
                numbers[value] = found.ties.count
                found.numbers.append(found.ties.count)
                found.ties.append(mixed(seed, value))
            }
        }
        if values.count >= NodeColumns.maximumKept { values = [:] }
        values[subject] = found
        return found
    }
}

/// A number that depends on every bit of both, the same in every process (FNV-1a, then the finalizer of SplitMix64).
func mixed(_ seed: UInt64, _ text: String) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ seed
    for byte in text.utf8 {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
    hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
    return hash ^ (hash >> 31)
}
