internal import HTTP
internal import Model
internal import Platform
internal import Store

/// `/tokens`: what programs prove themselves with, and what they may.
struct TokenRoutes: Sendable {
    let api: ClusterAPI

    private enum Limits {
        static let tokens = 10_000
        static let prefixBytes = 4_096
        static let labels = 16
        static let labelBytes = 512
        static let secretBytes = 32
    }

    func register(in router: inout Router) {
        router.get("/tokens") { _ in try .json(api.snapshot.all(AccessToken.self).map { AccessTokenDetail($0) }) }
        router.get("/tokens/{id}") { request in
            try .json(AccessTokenDetail(try find(request, in: api.snapshot)))
        }
        router.post("/tokens/create") { request in
            try .json(await create(try await api.decode(AccessTokenRequest.self, request)), status: .created)
        }
        router.delete("/tokens/{id}") { request in
            try await api.update { transaction in
                transaction.delete(AccessToken.self, try find(request, in: transaction.snapshot).id)
            }
            return HTTPResponse(.noContent)
        }
    }

    private func find(_ request: HTTPRequest, in snapshot: Snapshot) throws -> AccessToken {
        try snapshot.find(AccessToken.self, try request.capture("id"), kind: "token")
    }

    private func create(_ wish: AccessTokenRequest) async throws -> AccessTokenDetail {
        try ServiceValidation.checkName(wish.name)
        try Self.check(wish.policy)
        // One that does not know them would take the rule for one without.
        if wish.policy.namesLabels {
            guard await api.operations.commandLevel() >= CommandLevel.labelledPolicies else {
                throw HTTPError(
                    .serviceUnavailable, "not all managers know policies with labels yet: upgrade them first")
            }
        }
        if let ttl = wish.ttl, ttl <= 0 { throw HTTPError(.badRequest, "a token's TTL must be more than 0") }
        let isAnonymous = wish.name == AccessToken.anonymous
        guard !isAnonymous || wish.ttl == nil else {
            throw HTTPError(
                .badRequest,
                "the policy of '\(wish.name)' has no TTL, for what would hold behind it is not clear: remove it then")
        }
        let secret = Identifier.randomHex(bytes: Limits.secretBytes)
        let id = Identifier.random()
        let made = try await api.update { transaction in
            guard transaction.snapshot.named(AccessToken.self, wish.name).isEmpty else {
                throw HTTPError(.conflict, "token \(wish.name) already exists")
            }
            guard transaction.snapshot.count(AccessToken.self) < Limits.tokens else {
                throw HTTPError(.conflict, "there are \(Limits.tokens) tokens already: remove some")
            }
            let token = AccessToken(
                id: id, createdAt: transaction.now, name: wish.name,
                hash: isAnonymous ? "" : AccessToken.hash(of: secret), policy: wish.policy,
                expiresAt: wish.ttl.map { transaction.now + .nanoseconds($0) })
            try transaction.put(token)
            return token
        }
        return AccessTokenDetail(made, word: isAnonymous ? nil : AccessToken.word(id: id, secret: secret))
    }

    private static func check(_ policy: AccessPolicy) throws {
        guard policy.rules.count <= AccessPolicy.ruleLimit else {
            throw HTTPError(.badRequest, "a policy has at most \(AccessPolicy.ruleLimit) rules")
        }
        for rule in policy.rules {
            try check(labels: rule)
            guard let prefix = rule.prefix else { continue }
            guard rule.kind == .key, rule.access != .admin else {
                throw HTTPError(
                    .badRequest, "only rules for reading or writing keys have a prefix, not \(rule.kind.rawValue)")
            }
            guard !prefix.isEmpty, prefix.utf8.count <= Limits.prefixBytes else {
                throw HTTPError(.badRequest, "a prefix has 1 to \(Limits.prefixBytes) bytes; leave it out for all keys")
            }
        }
    }

    private static func check(labels rule: AccessPolicy.Rule) throws {
        guard let labels = rule.labels else { return }
        guard rule.kind.isLabelled || rule.kind == .any else {
            throw HTTPError(
                .badRequest,
                "only rules for services, tasks, nodes, networks, secrets and configs have labels, not "
                    + rule.kind.rawValue)
        }
        guard (1...Limits.labels).contains(labels.count) else {
            throw HTTPError(.badRequest, "a rule has 1 to \(Limits.labels) labels; leave them out for all objects")
        }
        for label in labels where label.isEmpty || label.hasPrefix("=") || label.utf8.count > Limits.labelBytes {
            throw HTTPError(
                .badRequest,
                "invalid label '\(label.prefix(64))': KEY=VALUE or KEY, of at most \(Limits.labelBytes) bytes")
        }
    }
}
