internal import HTTP
internal import Model
internal import Store

/// The state as one caller sees it: what it may not read is as if it were not there (docs/decisions/0032).
struct AccessView: Sendable {
    let snapshot: Snapshot
    /// Nil for who may do everything.
    private let policy: AccessPolicy?
    private let caller: String

    /// As the caller of a request sees it, who was let in by its kind of object, and is held here to their labels.
    ///
    /// - Throws: `HTTPError` 403 where its token is gone.
    init(_ snapshot: Snapshot, for request: HTTPRequest) throws(HTTPError) {
        self.snapshot = snapshot
        guard let id = request.headers[AccessToken.callerField] else {
            (policy, caller) = (nil, "")
            return
        }
        guard let token = snapshot.get(AccessToken.self, id) else {
            throw HTTPError(
                .forbidden, "Permission denied: the cluster does not know this token, or it has ended")
        }
        (policy, caller) = (token.policy, token.tokenName)
    }

    /// Whether the caller may do everything.
    var isWhole: Bool { policy == nil }

    /// Whether the caller may read it.
    func shows<Object: LabelledObject>(_ object: Object) -> Bool { allows(.read, object) }

    /// Those that the caller may read, sorted by id.
    func all<Object: LabelledObject>(_ type: Object.Type) -> [Object] {
        isWhole ? snapshot.all(type) : snapshot.all(type).filter(shows)
    }

    /// What a reference means among what the caller may read.
    ///
    /// - Throws: `HTTPError` 404 where there is none, 400 where there are several.
    func find<Object: LabelledObject>(_ type: Object.Type, _ reference: String) throws -> Object {
        try snapshot.find(type, reference, kind: Object.accessKind.rawValue, isShown: shows)
    }

    /// What a reference means among what the caller may read, to be changed or removed.
    ///
    /// - Throws: `HTTPError` 404 and 400 as `find` does, 403 for what the caller may only read.
    func find<Object: LabelledObject>(
        _ type: Object.Type, _ reference: String, for access: AccessPolicy.Access
    ) throws -> Object {
        let object = try find(type, reference)
        try check(access, object)
        return object
    }

    /// A node by id, by hostname or by the beginning of its id, among those that the caller may read.
    func findNode(_ reference: String, for access: AccessPolicy.Access = .read) throws -> Node {
        let node = try snapshot.findNode(reference, isShown: shows)
        try check(access, node)
        return node
    }

    /// - Throws: `HTTPError` 403 that names what the caller lacks.
    func check<Object: LabelledObject>(_ access: AccessPolicy.Access, _ object: Object) throws(HTTPError) {
        guard !allows(access, object) else { return }
        throw HTTPError(
            .forbidden,
            "Permission denied: token \(caller) lacks \(access.rawValue) of \(Object.accessKind.rawValue) "
                + "\(object.name ?? object.id) with its labels")
    }

    /// Whether an object may be made, or become what it is here.
    ///
    /// - Throws: `HTTPError` 403 that names the labels that the caller may give.
    func check(
        _ access: AccessPolicy.Access, _ kind: AccessPolicy.Kind, with labels: [String: String]?
    ) throws(HTTPError) {
        guard let policy, !policy.allows(access, kind, labels: labels ?? [:]) else { return }
        let choices = policy.rules.filter { $0.allows(access, kind) }.compactMap {
            $0.labels?.joined(separator: " and ")
        }
        throw HTTPError(
            .forbidden,
            "Permission denied: token \(caller) lacks \(access.rawValue) of a \(kind.rawValue) with these labels"
                + (choices.isEmpty ? "" : "; with \(choices.joined(separator: ", or with ")) it may"))
    }

    private func allows<Object: LabelledObject>(_ access: AccessPolicy.Access, _ object: Object) -> Bool {
        policy?.allows(access, Object.accessKind, labels: object.accessLabels(in: snapshot)) ?? true
    }
}
