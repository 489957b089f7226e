import Model

/// What a joining node says on a join channel, once the token has proved itself. One JSON object a frame.
enum JoinerMessage: Codable, Sendable {
    case request(JoinRequest)
    /// The answer is stored and, for a manager, its Raft member listens: it may be counted as a voter from now on.
    case ready
}

/// What the manager answers. Everything after the handshake is sealed with the channel's session key.
enum JoinHostMessage: Codable, Sendable {
    case admitted(JoinAnswer)
    /// Only the leader admits: ask there.
    case redirect(ManagerEndpoint)
    case refused(String)
    /// The node is a full member.
    case complete
}

struct JoinRequest: Codable, Sendable {
    var nodeID: String
    var description: NodeDescription
    /// `IP:PORT`
    var advertiseAddress: String
    var dataPathAddress: String
    var availability: NodeAvailability
}

struct JoinAnswer: Codable, Sendable {
    var clusterID: String
    var role: NodeRole
    var nodeKey: String
    /// Only for managers.
    var clusterKey: String?
    var advertiseAddress: String
    var dataPathAddress: String
    var dataPathPort: UInt16
    var managers: [ManagerEndpoint]
}
