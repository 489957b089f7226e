import FoundationEssentials
import Model

/// What a joining node says on a join channel, which is encrypted, to a manager that has proved to be one. One JSON object a
/// frame.
enum JoinerMessage: Codable, Sendable {
    case request(JoinRequest)
    /// The answer is stored and, for a manager, its Raft member listens: it may be counted as a voter from now on.
    case ready
    /// It cannot be what it was made, and forgets it; why.
    case gaveUp(String)
}

/// What the manager answers.
enum JoinHostMessage: Codable, Sendable {
    case admitted(JoinAnswer)
    /// Only the leader admits: ask there.
    case redirect(ManagerEndpoint)
    case refused(String)
    /// The node is a full member.
    case complete
}

struct JoinRequest: Codable, Sendable {
    /// As the operator gave it; what it is good for is the manager's to say.
    var token: String
    /// PKCS#10 (DER), signed by the key that the node keeps to itself.
    var certificateRequest: Data
    var description: NodeDescription
    /// `IP:PORT`
    var advertiseAddress: String
    var dataPathAddress: String
    var availability: NodeAvailability
}

struct JoinAnswer: Codable, Sendable {
    /// PEM; it says who the node is: its id, its role, its cluster.
    var certificate: String
    /// PEM; the one that the token names.
    var rootCertificate: String
    /// PEM; all that are to be trusted, that one among them. Nil from managers of an earlier version: that one alone.
    var roots: String?
    var dataPathPort: UInt16
    var managers: [ManagerEndpoint]
}
