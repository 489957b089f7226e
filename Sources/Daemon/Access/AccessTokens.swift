import HTTP
import Model
import Platform

/// The tokens that the cluster has, and the certificates that it has taken back, as this manager knows them.
struct AccessTokens: Sendable {
    /// By id.
    let tokens: [String: AccessToken]
    /// Serial numbers of clients' certificates.
    var revoked: Set<String> = []
    let now: Timestamp

    /// The word that a request shows; on the discovery API in Consul's places, too.
    static func word(of request: HTTPRequest) -> String? {
        if let header = request.headers["Authorization"] {
            let parts = header.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" { return String(parts[1]) }
        }
        guard request.path.hasPrefix("/v1/") else { return nil }
        return request.headers["X-Consul-Token"] ?? request.query["token"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The token of a word.
    ///
    /// - Throws: `HTTPError` 403 for one that is none, or has ended.
    func find(_ word: String) throws(HTTPError) -> AccessToken {
        guard let (id, secret) = AccessToken.parts(of: word), let token = tokens[id],
            token.isProved(by: secret, now: now)
        else { throw Self.unknown }
        return token
    }

    static let unknown = HTTPError(
        .forbidden, "Permission denied: the cluster does not know this token, or it has ended")

    /// Who asks on the discovery port, where nobody else proves who it is; nil while everybody may do everything there.
    func caller(onDiscoveryPort request: HTTPRequest) throws(HTTPError) -> Caller? {
        guard !tokens.isEmpty else { return nil }
        if let word = Self.word(of: request) { return Caller(try find(word)) }
        return anonymous.map { Caller($0) }
    }

    /// Whose policy holds for those on the discovery port who show none.
    var anonymous: AccessToken? { tokens.values.first { $0.tokenName == AccessToken.anonymous } }
}
