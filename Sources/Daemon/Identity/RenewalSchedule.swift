import Platform

/// When a node asks for its next certificate.
struct RenewalSchedule: Sendable {
    enum Limits {
        /// The wall clock is looked at again after so long: it may have been set.
        static let look: Duration = .seconds(600)
        static let firstRetry: Duration = .seconds(1)
        static let longestRetry: Duration = .seconds(300)
    }

    /// When it is due: at a time that differs from node to node, between half and four fifths of the certificate's life.
    let due: Timestamp
    private let end: Timestamp

    /// - Parameter jitter: 0 to 1.
    init(for certificate: Certificate, jitter: Double) {
        // One that lasts no longer than that was issued by a version that backdated less.
        let life = certificate.notAfter - certificate.notBefore
        let issued = certificate.notBefore + (life > CertificateAuthority.skew ? CertificateAuthority.skew : .zero)
        due = issued + max(.zero, certificate.notAfter - issued) * (0.5 + 0.3 * min(max(jitter, 0), 1))
        end = certificate.notAfter
    }

    /// How long until the next look or attempt, after so many attempts that failed; zero where it is due.
    func wait(at now: Timestamp, failures: Int) -> Duration {
        if failures == 0 { return min(max(.zero, due - now), Limits.look) }
        // Nobody listens to one that has ended, unless a clock is wrong.
        guard now < end else { return Limits.longestRetry }
        // The less time is left, the more often.
        let pause = min(Limits.firstRetry * (1 << min(failures - 1, 20)), Limits.longestRetry)
        return max(Limits.firstRetry, min(pause, (end - now) / 4))
    }
}
