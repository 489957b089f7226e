import HTTP
import Model
import Platform

/// Who calls the API, and what they may.
struct Caller: Sendable, Equatable {
    enum Identity: Sendable, Equatable {
        /// A process of this user, over the unix socket, whose file says who may open it.
        case local(user: UInt32?)
        /// A manager hands on what it has let in.
        case manager(String)
        case client(ClientIdentity)
        case token(String)
        /// Anybody who reaches a port that was opened to all.
        case anyone
    }

    enum Right: Sendable, Equatable {
        case read, all
        case policy(AccessPolicy)
    }

    let identity: Identity
    let right: Right
    /// The id of the token that it shows.
    private(set) var tokenID: String?
    /// When that ends by itself.
    private(set) var endsAt: Timestamp?

    /// Whoever reaches a port that asks for nothing.
    static let anyone = Caller(identity: .anyone, right: .all)

    private init(identity: Identity, right: Right) { (self.identity, self.right) = (identity, right) }

    /// Who shows a token.
    init(_ token: AccessToken) {
        (identity, right) = (.token(token.tokenName), .policy(token.policy))
        (tokenID, endsAt) = (token.id, token.expiresAt)
    }

    /// Whoever shows nothing where tokens hold.
    var isAnonymous: Bool { identity == .token(AccessToken.anonymous) }

    /// Whether one with a token would be let in with the call as things are.
    func mayGoOn(with request: HTTPRequest, _ known: AccessTokens) throws -> Bool {
        guard let token = tokenID.flatMap({ known.tokens[$0] }) else { return false }
        try Caller(token).check(request)
        return token.expiresAt.map { known.now < $0 } ?? true
    }

    /// Who sends the request: by its certificate where it has one, else by its token.
    ///
    /// - Throws: `HTTPError` 401 or 403.
    init(_ request: HTTPRequest, _ tokens: () -> AccessTokens?) throws(HTTPError) {
        if case .secured(nil) = request.peer.entrance, let word = AccessTokens.word(of: request) {
            guard let tokens = tokens() else {
                throw HTTPError(
                    .forbidden,
                    "Permission denied: this node knows no tokens: it is no manager, or a locked one (clusterctl unlock)"
                )
            }
            self.init(try tokens.find(word))
        } else {
            if case .secured(let certificate?) = request.peer.entrance,
                tokens()?.revoked.contains(certificate.serial) == true
            {
                throw HTTPError(
                    .unauthorized,
                    "this certificate was taken back (serial \(certificate.serial)): ask an admin of the cluster for another"
                )
            }
            try self.init(request.peer)
        }
    }

    /// - Throws: `HTTPError` 401 for one who has not said who it is, 403 for one who is nobody here.
    init(_ peer: HTTPPeer) throws(HTTPError) {
        switch peer.entrance {
        case .local(let user): (identity, right) = (.local(user: user), .all)
        case .open: (identity, right) = (.anyone, .all)
        case .secured(nil):
            throw HTTPError(
                .unauthorized,
                "a client certificate is wanted here (on a manager: clusterctl manager client-certificate NAME --out DIR), "
                    + "or a token")
        case .secured(let certificate?):
            guard let client = certificate.client else {
                throw HTTPError(
                    .forbidden,
                    "this certificate is no client's: its organizational unit (OU) must be admin or read-only")
            }
            (identity, right) = (.client(client), client.role == .admin ? .all : .read)
        case nil:
            guard let node = peer.nodeID else { throw HTTPError(.unauthorized, "who calls is not known") }
            (identity, right) = (.manager(node), .all)
        }
    }

    var isManager: Bool { if case .manager = identity { true } else { false } }

    /// The request as it goes on to the routes, here or on the manager that leads, which hold the caller to the labels of objects.
    ///
    /// - Throws: `HTTPError` 403 for a call that goes beyond what the caller may.
    func admit(_ request: HTTPRequest) throws(HTTPError) -> HTTPRequest {
        try check(request)
        // A manager says whom it has let in.
        if isManager { return request }
        var admitted = request
        admitted.headers[AccessToken.callerField] = tokenID
        return admitted
    }

    /// - Throws: `HTTPError` 403 for a call that goes beyond what the caller may.
    func check(_ request: HTTPRequest) throws(HTTPError) {
        switch right {
        case .all: return
        case .read: if ReadOnlyCalls.contain(request.method, request.path) { return }
        case .policy(let policy):
            guard let need = AccessNeed(request), !policy.allows(need.access, need.kind, key: need.key) else { return }
            if policy.mayAllow(need.access, need.kind), LabelledCalls.contain(request.method, request.path) { return }
            throw HTTPError(
                .forbidden,
                "Permission denied: \(self) lacks \(need.access.rawValue) of \(need.kind.rawValue)"
                    + (need.key.map { " '\($0.prefix(200))'" } ?? ""))
        }
        throw HTTPError(
            .forbidden,
            "\(self) may only look: \(request.method) \(request.path.prefix(200)) wants a certificate of an admin")
    }
}

extension Caller: CustomStringConvertible {
    var description: String {
        switch identity {
        case .local(let user): "uid \(user.map { "\($0)" } ?? "unknown")"
        case .manager(let node): "manager \(node)"
        case .client(let client): client.description
        case .token(let name): "token \(name)"
        case .anyone: "anyone"
        }
    }
}
