public import Model

/// A row of any table. Rows never change: a write puts a new one in place.
public protocol AnyRow: AnyObject, Sendable {
    var id: String { get }
    /// The revision of the last change.
    var version: UInt64 { get }
    /// The object as it came in the command: JSON with sorted keys, its `Version` not yet set.
    var encoded: [UInt8] { get }
    /// The object as table code sees it, for callers that do not know its type.
    var anyObject: any ClusterObject { get }
}

/// A row of one table.
public final class Row<Object: ClusterObject>: AnyRow {
    public let object: Object
    public let encoded: [UInt8]

    /// Stamps the object with the revision.
    public init(_ object: Object, version: UInt64, encoded: [UInt8]) {
        var stamped = object
        stamped.version = ObjectVersion(index: version)
        self.object = stamped
        self.encoded = encoded
    }

    public var id: String { object.id }
    public var version: UInt64 { object.version.index }
    public var anyObject: any ClusterObject { object }
}
