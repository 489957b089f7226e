import Platform

/// What the node keeps of an image besides its blobs.
struct ImageRecord: Codable, Sendable {
    /// The digest of its configuration.
    var id: ContentDigest
    /// Digests of its uncompressed layers, lowest first: names of lower directories.
    var layers: [ContentDigest]
    /// Digests of its layers as they came.
    var blobs: [ContentDigest]
    /// Bytes of all files in its layers.
    var size: Int64
    var loadedAt: Timestamp
}

/// The node's images and their names, as written to `images.json`.
struct ImageIndex: Codable, Sendable {
    static let currentVersion = 1

    var version = currentVersion
    var images: [ContentDigest: ImageRecord] = [:]
    /// From whole names with tags (`docker.io/library/busybox:latest`) to image ids.
    var tags: [String: ContentDigest] = [:]

    enum CodingKeys: String, CodingKey { case version, images, tags }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        guard version == Self.currentVersion else {
            throw AgentError(
                .unsupported, "images.json has version \(version), this program knows \(Self.currentVersion)")
        }
        for record in try container.decode([ImageRecord].self, forKey: .images) { images[record.id] = record }
        tags = try container.decode([String: ContentDigest].self, forKey: .tags)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(images.values.sorted { $0.id < $1.id }, forKey: .images)
        try container.encode(tags, forKey: .tags)
    }
}
