/// What lets a node in: `SWMTKN-1-<cluster digest>-<secret>`, as Docker spells its tokens.
///
/// The digest, SHA-256 to the base 36, is that of the cluster's root certificate: whom the joining node trusts. The secret
/// goes to nobody who has not proved to be a manager under that root.
public struct JoinToken: Sendable, Hashable, CustomStringConvertible {
    public var clusterDigest: String
    public var secret: String

    public init(clusterDigest: String, secret: String) {
        self.clusterDigest = clusterDigest
        self.secret = secret
    }

    /// Nil for anything but four parts of the expected shape and at most 256 bytes.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= 256, parts.count == 4, parts[0] == "SWMTKN", parts[1] == "1",
            parts[2...].allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Self.isBase36) })
        else { return nil }
        clusterDigest = String(parts[2])
        secret = String(parts[3])
    }

    public var description: String { "SWMTKN-1-\(clusterDigest)-\(secret)" }

    private static func isBase36(_ byte: UInt8) -> Bool { (48...57).contains(byte) || (97...122).contains(byte) }
}
