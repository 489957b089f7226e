import FoundationEssentials
import Model

/// What a node says on a renewal channel.
enum RenewalMessage: Codable, Sendable {
    /// PKCS#10 (DER), signed by a new key.
    case request(Data)
    /// What was issued is stored and in use.
    case kept
}

/// What the manager answers.
enum RenewalAnswer: Codable, Sendable {
    /// PEM; for whom the certificate is was decided by that of the connection. `roots` are all that are to be trusted.
    case issued(certificate: String, roots: String)
    /// PEM; all that are to be trusted with the certificate that the node has: the root that issued it has lost its key.
    case trusted(roots: String)
    /// Only the leader issues: ask there.
    case redirect(ManagerEndpoint)
    case refused(String)
}
