import FoundationEssentials
import Glibc
import Platform

/// Takes apart what `docker save` writes: `manifest.json`, configurations and layers, in the old layout (one directory
/// a layer) and in the OCI one (`blobs/sha256/`).
struct ImageArchive {
    struct Limits: Sendable {
        /// Bytes of the whole archive, uncompressed.
        var bytes: Int64 = 64 << 30
        var members = 10_000
        /// Bytes of manifest.json and of a configuration.
        var documentBytes = 4 << 20
        var images = 1_000
        /// Layers of one image: as many as overlayfs stacks.
        var layers = 500

        init() {}
    }

    struct Manifest: Decodable {
        var config: String
        var repositoryTags: [String]?
        var layers: [String]?

        enum CodingKeys: String, CodingKey {
            case config = "Config"
            case repositoryTags = "RepoTags"
            case layers = "Layers"
        }
    }

    /// One image that was found, all its content in the stores.
    struct LoadedImage: Sendable {
        var record: ImageRecord
        var tags: [ImageReference]
    }

    private let content: ContentStore
    private let layers: LayerStore
    private let limits: Limits
    private var files: [String: FinishedBlob] = [:]
    private var links: [String: String] = [:]

    private init(content: ContentStore, layers: LayerStore, limits: Limits) {
        self.content = content
        self.layers = layers
        self.limits = limits
    }

    /// Reads the archive at `path` into the stores. Blocks.
    static func load(
        _ path: String, content: ContentStore, layers: LayerStore, limits: Limits
    ) throws -> [LoadedImage] {
        var archive = ImageArchive(content: content, layers: layers, limits: limits)
        try withUnicodeNames { try archive.stage(path) }
        guard let manifest = archive.file("manifest.json") else {
            throw AgentError(.invalid, "the archive holds no manifest.json: it is not what `docker save` writes")
        }
        let bytes = try archive.document(manifest, "manifest.json")
        let manifests: [Manifest]
        do {
            manifests = try JSONDecoder().decode([Manifest].self, from: Data(bytes))
        } catch {
            throw AgentError(.invalid, "the archive's manifest.json cannot be read", cause: error)
        }
        guard !manifests.isEmpty, manifests.count <= limits.images else {
            throw AgentError(.invalid, "the archive's manifest.json names \(manifests.count) images")
        }
        return try manifests.map(archive.image)
    }

    private mutating func stage(_ path: String) throws {
        var reader = try ArchiveReader(path: path, subject: "the image archive")
        var remaining = limits.bytes
        var members = 0
        while let entry = try reader.next() {
            members += 1
            guard members <= limits.members else {
                throw AgentError(.tooLarge, "the image archive holds more than \(limits.members) members")
            }
            let name = try Self.name(entry.path)
            switch entry.kind {
            case .file:
                let writer = try content.makeWriter(limit: remaining, subject: "the image archive")
                while try reader.withNextBlock({ bytes, _ in try writer.write(bytes) }) != nil {}
                let blob = try writer.finish()
                remaining -= blob.byteCount
                files[name] = blob
            case .symbolicLink:
                // Old archives say a repeated layer as ../<layer>/layer.tar.
                let target = String(decoding: entry.linkTarget, as: UTF8.self)
                links[name] = Self.resolve(target, besides: name)
            case .hardLink:
                links[name] = try Self.name(entry.linkTarget)
            default: continue
            }
        }
    }

    private static func name(_ path: [UInt8]) throws -> String {
        try ArchivePath(path).components
            .map { String(decoding: $0.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self) }
            .joined(separator: "/")
    }

    private static func resolve(_ target: String, besides name: String) -> String {
        var components = name.split(separator: "/").dropLast()
        for part in target.split(separator: "/") {
            if part == ".." { _ = components.popLast() } else if part != "." { components.append(part) }
        }
        return components.joined(separator: "/")
    }

    private func file(_ name: String) -> FinishedBlob? {
        let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
        return files[name] ?? links[name].flatMap { files[$0] }
    }

    private func document(_ blob: FinishedBlob, _ name: String) throws -> [UInt8] {
        guard blob.byteCount <= Int64(limits.documentBytes) else {
            throw AgentError(
                .tooLarge, "the archive's \(name.prefix(100)) is larger than \(limits.documentBytes) bytes")
        }
        // A blob that was committed has moved to its name in the store.
        let path = access(blob.path, F_OK) == 0 ? blob.path : content.path(blob.digest)
        return try Files.read(path, limit: limits.documentBytes)
    }

    private func image(_ manifest: Manifest) throws -> LoadedImage {
        guard let blob = file(manifest.config) else {
            throw AgentError(.invalid, "the archive lacks the configuration \(manifest.config.prefix(100))")
        }
        if let claimed = Self.claimedDigest(manifest.config), claimed != blob.digest {
            throw AgentError(.corrupt, "the configuration \(claimed) has the digest \(blob.digest)")
        }
        let configuration = try Self.configuration(try document(blob, manifest.config), of: blob.digest)
        let names = manifest.layers ?? []
        let diffIDs = configuration.rootFileSystem.diffIDs
        guard names.count == diffIDs.count, names.count <= limits.layers else {
            throw AgentError(
                .invalid, "image \(blob.digest) names \(diffIDs.count) layers, the archive has \(names.count) for it")
        }
        let tags = try (manifest.repositoryTags ?? []).map { try ImageReference($0).withDefaultTag }
        var size: Int64 = 0
        var blobs: [ContentDigest] = []
        for (index, (name, diffID)) in zip(names, diffIDs).enumerated() {
            guard let layer = file(name) else {
                throw AgentError(.invalid, "the archive lacks the layer \(name.prefix(100))")
            }
            let committed = content.contains(layer.digest)
            let path = committed ? content.path(layer.digest) : layer.path
            let subject = "layer \(index + 1) of image \(blob.digest)"
            size += try layers.unpack(blob: path, as: diffID, subject: subject).bytes
            try content.commit(layer)
            blobs.append(layer.digest)
        }
        try content.commit(blob)
        return LoadedImage(
            record: ImageRecord(
                id: blob.digest, layers: diffIDs, blobs: blobs, size: size, loadedAt: WallClock.now()),
            tags: tags)
    }

    /// The digest that a configuration's name in the archive says: `<hex>.json` or `blobs/sha256/<hex>`.
    private static func claimedDigest(_ name: String) -> ContentDigest? {
        let last = name.split(separator: "/").last.map(String.init) ?? name
        return ContentDigest(hex: last.hasSuffix(".json") ? String(last.dropLast(5)) : last)
    }

    /// Reads a configuration and checks that this machine can run it.
    static func configuration(_ bytes: [UInt8], of id: ContentDigest) throws -> ImageConfiguration {
        let configuration: ImageConfiguration
        do {
            configuration = try JSONDecoder().decode(ImageConfiguration.self, from: Data(bytes))
        } catch {
            throw AgentError(.invalid, "the configuration \(id) is not an image's", cause: error)
        }
        guard configuration.rootFileSystem.type == "layers" else {
            throw AgentError(.unsupported, "image \(id) is not made of layers")
        }
        guard configuration.os == "linux" else {
            throw AgentError(.unsupported, "image \(id) is made for \(configuration.os.prefix(40)), not for Linux")
        }
        return configuration
    }
}
