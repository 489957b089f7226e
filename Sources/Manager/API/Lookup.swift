internal import HTTP
internal import Model
internal import Store

extension Snapshot {
    /// The object of this id, of this name, or the only one whose id begins so; in this order, as Docker looks.
    ///
    /// - Parameter isShown: the others are as if they were not there.
    /// - Throws: `HTTPError` 404 where there is none, 400 where there are several.
    func find<Object: ClusterObject>(
        _ type: Object.Type, _ reference: String, kind: String, isShown: (Object) -> Bool = { _ in true }
    ) throws -> Object {
        if let object = get(type, reference), isShown(object) { return object }
        let named = named(type, reference).filter(isShown)
        if named.count == 1 { return named[0] }
        let candidates =
            named.isEmpty && !reference.isEmpty
            ? withIDPrefix(type, reference, limit: .max).filter(isShown) : named
        switch candidates.count {
        case 1: return candidates[0]
        case 0: throw HTTPError(.notFound, "\(kind) \(reference) not found")
        default:
            throw HTTPError(
                .badRequest,
                "\(kind) \(reference) is ambiguous (\(candidates.count) matches found); give more of its id")
        }
    }

    /// A node by id, by hostname or by the beginning of its id.
    func findNode(_ reference: String, isShown: (Node) -> Bool = { _ in true }) throws -> Node {
        let hosts = all(Node.self).filter { $0.description.hostname == reference && isShown($0) }
        if get(Node.self, reference).map(isShown) != true, hosts.count == 1 { return hosts[0] }
        if hosts.count > 1 {
            throw HTTPError(
                .badRequest, "node \(reference) is ambiguous (\(hosts.count) matches found); give its id instead")
        }
        return try find(Node.self, reference, kind: "node", isShown: isShown)
    }
}
