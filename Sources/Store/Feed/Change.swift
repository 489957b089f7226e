public import Model

/// One object's change; both sides are there when it was replaced.
public struct Change: Sendable {
    public let table: String
    public let id: String
    public let old: (any AnyRow)?
    public let new: (any AnyRow)?

    /// The object before, if this is of its table and it was there.
    public func before<Object: ClusterObject>(_ type: Object.Type) -> Object? { (old as? Row<Object>)?.object }

    /// The object after, if this is of its table and it was not deleted.
    public func after<Object: ClusterObject>(_ type: Object.Type) -> Object? { (new as? Row<Object>)?.object }
}
