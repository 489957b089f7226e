/// A member and where the others reach it.
public struct Member: Hashable, Sendable, CustomStringConvertible {
    public let id: NodeID
    public let address: String

    public init(id: NodeID, address: String) {
        self.id = id
        self.address = address
    }

    public var description: String { "\(id)@\(address)" }
}

/// Who votes and who only listens. Replicated as a log entry of its own kind.
///
/// While `outgoing` is not empty the configuration is joint (thesis §4.3): every decision needs a majority of `voters` and
/// one of `outgoing`.
public struct Configuration: Equatable, Sendable {
    /// Sorted by id, no id twice.
    public let voters: [Member]
    /// Those who voted before, while a joint change is under way; a member may be in both halves.
    public let outgoing: [Member]
    /// They get everything and decide nothing.
    public let learners: [Member]
    /// The leader ends a joint configuration as soon as it is committed.
    public let leavesItself: Bool

    static let maximumVoters = 63
    static let maximumAddressBytes = 1024

    /// A learner that also votes is a voter.
    public init(
        voters: [Member] = [], outgoing: [Member] = [], learners: [Member] = [], leavesItself: Bool = false
    ) {
        self.voters = Self.sorted(voters)
        self.outgoing = Self.sorted(outgoing)
        self.learners = Self.sorted(
            learners.filter { learner in !(voters + outgoing).contains { $0.id == learner.id } })
        self.leavesItself = leavesItself && !outgoing.isEmpty
    }

    private static func sorted(_ members: [Member]) -> [Member] {
        var sorted: [Member] = []
        for member in members.sorted(by: { $0.id < $1.id }) where sorted.last?.id != member.id { sorted.append(member) }
        return sorted
    }

    public var isJoint: Bool { !outgoing.isEmpty }

    /// Whether the member has a place, voting or not.
    public func contains(_ id: NodeID) -> Bool { member(id) != nil }

    /// Whether the member votes, in either half.
    public func isVoter(_ id: NodeID) -> Bool { (voters + outgoing).contains { $0.id == id } }

    /// The member of that id; where the halves differ, as the new one has it.
    public func member(_ id: NodeID) -> Member? { (voters + outgoing + learners).first { $0.id == id } }

    /// All who vote, each once, sorted by id.
    var electorate: [Member] { Configuration(voters: voters + outgoing.filter { !Self.has(voters, $0.id) }).voters }

    /// All who have a place, each once, sorted by id.
    var members: [Member] { Configuration(voters: electorate + learners).voters }

    private static func has(_ members: [Member], _ id: NodeID) -> Bool { members.contains { $0.id == id } }

    /// With `member` among the voters; one of the same id is replaced (it moved to another address), a learner promoted.
    public func adding(_ member: Member) -> Configuration {
        Configuration(voters: voters.filter { $0.id != member.id } + [member], learners: learners)
    }

    /// With `member` among the learners.
    public func adding(learner member: Member) -> Configuration {
        Configuration(voters: voters, learners: learners.filter { $0.id != member.id } + [member])
    }

    /// Without the voter or learner of that id.
    public func removing(_ id: NodeID) -> Configuration {
        Configuration(voters: voters.filter { $0.id != id }, learners: learners.filter { $0.id != id })
    }

    /// On the way to another set of voters.
    func joining(adding added: [Member], removing removed: [NodeID], leavesItself: Bool) -> Configuration {
        var target = Configuration(voters: voters, learners: learners)
        for member in added { target = target.adding(member) }
        for id in removed { target = target.removing(id) }
        return Configuration(
            voters: target.voters, outgoing: voters, learners: target.learners, leavesItself: leavesItself)
    }

    /// Arrived there.
    var left: Configuration { Configuration(voters: voters, learners: learners) }

    /// How many voters decide; of the new half while there are two.
    public var quorum: Int { voters.count / 2 + 1 }

    /// The highest value that a quorum has reached, of both halves where there are two; nil without voters.
    func agreed<Value: Comparable>(_ value: (NodeID) -> Value) -> Value? {
        guard let new = Self.agreed(voters, value) else { return nil }
        return Self.agreed(outgoing, value).map { min(new, $0) } ?? new
    }

    private static func agreed<Value: Comparable>(_ voters: [Member], _ value: (NodeID) -> Value) -> Value? {
        guard !voters.isEmpty else { return nil }
        return voters.map { value($0.id) }.sorted(by: >)[voters.count / 2]
    }
}
