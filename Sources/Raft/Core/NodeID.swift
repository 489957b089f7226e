/// A member of the consensus group. Drawn anew for every join: a member that lost its data comes back under another id,
/// or it could vote twice in one term. 0 is "nobody" on disk and on the wire and is never a member.
public struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let value: UInt64

    public init(_ value: UInt64) { self.value = value }

    public static func < (left: NodeID, right: NodeID) -> Bool { left.value < right.value }

    public var description: String { String(value, radix: 16) }
}
