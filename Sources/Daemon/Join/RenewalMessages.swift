import FoundationEssentials
import Model

/// What a node asks for on a renewal channel.
struct RenewalRequest: Codable, Sendable {
    /// PKCS#10 (DER), signed by a new key.
    var certificateRequest: Data
}

/// What the manager answers.
enum RenewalAnswer: Codable, Sendable {
    /// PEM; for whom is in it, and was decided by the certificate of the connection.
    case issued(certificate: String)
    /// Only the leader issues: ask there.
    case redirect(ManagerEndpoint)
    case refused(String)
}
