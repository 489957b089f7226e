/// What a leader can be asked to make of the members.
public enum MembershipChange: Equatable, Sendable {
    /// Adds a voter, promotes a learner, or gives a voter another address. One at a time: any two majorities before and
    /// after share a member (thesis §4.1).
    case add(Member)
    /// Adds one that gets everything and does not vote, or gives it another address.
    case addLearner(Member)
    /// Takes a voter or a learner out.
    case remove(NodeID)
    /// Any number of voters at once, through a joint configuration (thesis §4.3). Unless it leaves that by itself, `leave` is
    /// awaited.
    case joint(adding: [Member], removing: [NodeID], leavesItself: Bool)
    /// Ends a joint configuration.
    case leave
}

extension MembershipChange {
    /// What comes of it. Throws `invalidChange` if it makes no sense there, `changeInProgress` in a joint configuration.
    func applied(to configuration: Configuration) throws(RaftError) -> Configuration {
        guard configuration.isJoint == (self == .leave) else {
            throw configuration.isJoint
                ? RaftError(.changeInProgress, "the members are between two sets of voters; that ends first")
                : RaftError(.invalidChange, "there is no joint configuration to leave")
        }
        for member in added
        where member.id.value == 0 || member.address.utf8.count > Configuration.maximumAddressBytes {
            throw RaftError(.invalidChange, "\(member) cannot be a member")
        }
        let changed: Configuration
        switch self {
        case .add(let member): changed = configuration.adding(member)
        case .addLearner(let member):
            guard !configuration.isVoter(member.id) else {
                throw RaftError(.invalidChange, "\(member.id) votes; it cannot become a learner")
            }
            changed = configuration.adding(learner: member)
        case .remove(let id): changed = configuration.removing(id)
        case .joint(let adding, let removing, let leavesItself):
            changed = configuration.joining(adding: adding, removing: removing, leavesItself: leavesItself)
            guard changed.left != configuration else { throw RaftError(.invalidChange, "nothing to change: \(self)") }
        case .leave: changed = configuration.left
        }
        guard !changed.voters.isEmpty else { throw RaftError(.invalidChange, "no voter would be left") }
        guard max(changed.voters.count, changed.learners.count) <= Configuration.maximumVoters else {
            throw RaftError(.invalidChange, "more than \(Configuration.maximumVoters) voters or learners")
        }
        guard changed != configuration else { throw RaftError(.invalidChange, "nothing to change: \(self)") }
        return changed
    }

    private var added: [Member] {
        switch self {
        case .add(let member), .addLearner(let member): [member]
        case .joint(let members, _, _): members
        case .remove, .leave: []
        }
    }
}
