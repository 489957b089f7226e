public import Platform

/// An image of this node: its record, its configuration and its names.
public struct Image: Sendable {
    /// The digest of its configuration.
    public let id: ContentDigest
    public let configuration: ImageConfiguration
    /// The digests of its uncompressed layers, lowest first.
    public let layers: [ContentDigest]
    /// Bytes of all files in its layers.
    public let size: Int64
    public let loadedAt: Timestamp
    /// Its names with tags as Docker shows them, sorted.
    public let tags: [String]
}
