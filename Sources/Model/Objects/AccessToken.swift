public import Platform

/// A word by which a program proves who it is to the API, with what it may do. Only the digest of the word is kept.
public struct AccessToken: ClusterObject {
    public static let table = "access-token"
    /// The name of the token whose policy holds for those on the discovery port who show none; without it, they may do everything.
    public static let anonymous = "anonymous"
    /// The header by which one manager tells another with whose token it let a call in: the token's id. Clients' are taken off.
    public static let callerField = "X-Martlet-Caller-Token"
    private static let prefix = "mt-"

    public var id: String
    public var version = ObjectVersion()
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    public var tokenName: String
    /// SHA-256 of the secret, hexadecimal; empty for `anonymous`, which nobody shows.
    public var hash: String
    public var policy: AccessPolicy
    /// Nil: until it is removed.
    public var expiresAt: Timestamp?

    public var name: String? { tokenName }

    public init(
        id: String, createdAt: Timestamp, name: String, hash: String, policy: AccessPolicy, expiresAt: Timestamp? = nil
    ) {
        self.id = id
        self.createdAt = createdAt
        self.updatedAt = createdAt
        self.tokenName = name
        self.hash = hash
        self.policy = policy
        self.expiresAt = expiresAt
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case version = "Version"
        case createdAt = "CreatedAt"
        case updatedAt = "UpdatedAt"
        case tokenName = "Name"
        case hash = "Hash"
        case policy = "Policy"
        case expiresAt = "ExpiresAt"
    }

    /// The word for a token's id and secret, as users have it.
    public static func word(id: String, secret: String) -> String { "\(prefix)\(id)-\(secret)" }

    /// The id and the secret of a word; nil for what is none.
    public static func parts(of word: String) -> (id: String, secret: String)? {
        guard word.utf8.count <= 256, word.hasPrefix(prefix) else { return nil }
        let parts = word.dropFirst(prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return (String(parts[0]), String(parts[1]))
    }

    /// What is kept of a secret.
    public static func hash(of secret: String) -> String { Digest.hex(Digest.sha256(Array(secret.utf8))) }

    /// Whether the secret is this token's, in the same time whatever is wrong with it.
    public func isProved(by secret: String, now: Timestamp) -> Bool {
        let (given, kept) = (Array(Self.hash(of: secret).utf8), Array(hash.utf8))
        guard given.count == kept.count else { return false }
        let difference = zip(given, kept).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 && (expiresAt.map { now < $0 } ?? true)
    }
}

/// The body of `POST /tokens/create` (Docker has no word for it).
public struct AccessTokenRequest: Codable, Sendable, Equatable {
    public var name: String
    public var policy: AccessPolicy
    /// Nanoseconds; nil for a token that lasts until it is removed.
    public var ttl: Int64?

    public init(name: String, policy: AccessPolicy, ttl: Int64? = nil) {
        self.name = name
        self.policy = policy
        self.ttl = ttl
    }

    enum CodingKeys: String, CodingKey {
        case name = "Name"
        case policy = "Policy"
        case ttl = "TTL"
    }
}

/// A token as `/tokens` shows it.
public struct AccessTokenDetail: Codable, Sendable, Equatable {
    public var id: String
    public var name: String
    public var policy: AccessPolicy
    public var createdAt: Timestamp
    public var expiresAt: Timestamp?
    /// The word itself: only in the answer to its creation.
    public var token: String?

    public init(_ token: AccessToken, word: String? = nil) {
        id = token.id
        name = token.tokenName
        policy = token.policy
        createdAt = token.createdAt
        expiresAt = token.expiresAt
        self.token = word
    }

    enum CodingKeys: String, CodingKey {
        case id = "ID"
        case name = "Name"
        case policy = "Policy"
        case createdAt = "CreatedAt"
        case expiresAt = "ExpiresAt"
        case token = "Token"
    }
}
