public import Platform

/// What the replicated tables hold: an object with an id, a version and the two instants the Engine API shows.
public protocol ClusterObject: Codable, Sendable, Equatable {
    /// The name of the table, as written to the log and to disk.
    static var table: String { get }

    var id: String { get }
    var version: ObjectVersion { get set }
    var createdAt: Timestamp { get set }
    var updatedAt: Timestamp { get set }

    /// The name users give it, unique within the table; nil for objects without one.
    var name: String? { get }
}
