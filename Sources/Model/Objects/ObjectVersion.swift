/// The revision of an object's last change; a write names the version it saw (Engine API `Version.Index`).
public struct ObjectVersion: Codable, Sendable, Hashable, Comparable {
    public var index: UInt64

    public init(index: UInt64 = 0) { self.index = index }

    public static func < (left: ObjectVersion, right: ObjectVersion) -> Bool { left.index < right.index }

    enum CodingKeys: String, CodingKey { case index = "Index" }
}
