import FoundationEssentials
import Glibc
import Platform

/// The node's images: content, unpacked layers, names.
public actor ImageStore {
    /// What an archive may ask of this node.
    public struct Limits: Sendable {
        var archive = ImageArchive.Limits()
        var layer = LayerExtractor.Limits()

        public init() {}

        /// Bytes an image archive or one layer may unpack to.
        public var bytes: Int64 {
            get { archive.bytes }
            set {
                archive.bytes = newValue
                layer.bytes = newValue
            }
        }
    }

    /// What became of a removal.
    public struct Removal: Sendable, Equatable {
        public var untagged: [String] = []
        public var deleted: [String] = []
    }

    nonisolated let content: ContentStore
    nonisolated let layers: LayerStore
    private nonisolated let limits: Limits
    private let indexPath: String
    private var index: ImageIndex
    private var configurations: [ContentDigest: ImageConfiguration] = [:]
    /// While an image comes in, its content has no record yet: nothing is collected then.
    private var loadsInProgress = 0
    private var isSweeping = false
    private var waitingForSweep: [CheckedContinuation<Void, Never>] = []
    private let log = Logger("agent.images")

    /// Opens or makes the store in `directory`. Blocks; do it at start.
    public init(directory: String, limits: Limits = Limits()) throws {
        content = try ContentStore(directory: directory)
        layers = try LayerStore(directory: directory + "/layers", limits: limits.layer)
        self.limits = limits
        indexPath = directory + "/images.json"
        if access(indexPath, F_OK) == 0 {
            let bytes = try Files.read(indexPath, limit: 256 << 20)
            index = try JSONDecoder().decode(ImageIndex.self, from: Data(bytes))
        } else {
            index = ImageIndex()
        }
        for record in index.images.values {
            guard let bytes = try? content.read(record.id, limit: limits.archive.documentBytes),
                let configuration = try? ImageArchive.configuration(bytes, of: record.id)
            else { continue }
            configurations[record.id] = configuration
        }
    }

    /// Where uploads are kept until they are loaded: on the disk that the images are on, emptied at start.
    nonisolated var uploadDirectory: String { content.incoming }
    nonisolated var uploadLimit: Int64 { limits.bytes }

    /// All images, newest first.
    public func list() -> [Image] {
        index.images.values.compactMap(image).sorted { left, right in
            left.loadedAt == right.loadedAt ? left.id < right.id : left.loadedAt > right.loadedAt
        }
    }

    /// The image that a name, an id or a unique prefix of an id means.
    public func image(named name: String) throws -> Image {
        guard let image = index.images[try resolve(name)].flatMap(image) else { throw Self.missing(name) }
        return image
    }

    /// Loads a docker-archive tar at `path`; answers the images in it.
    public func load(archive path: String) async throws -> [Image] {
        let (content, layers, limits) = (content, layers, limits.archive)
        let images = try await loading {
            let loaded = try await Self.onThread {
                try ImageArchive.load(path, content: content, layers: layers, limits: limits)
            }
            for image in loaded { try adopt(image.record, as: image.tags) }
            return loaded.compactMap { index.images[$0.record.id].flatMap(image) }
        }
        await collectGarbage()
        return images
    }

    /// Makes an image of a root file system's tar at `path`: one layer, and a configuration that `changes` (Dockerfile
    /// instructions such as `CMD ["sh"]`) alter.
    public func importRootFileSystem(
        _ path: String, reference: ImageReference?, changes: [String], message: String? = nil
    ) async throws -> Image {
        var execution = ImageConfiguration.Execution()
        for change in try changes.flatMap(ConfigurationChange.parse) { change.apply(to: &execution) }
        let (content, layers, limits) = (content, layers, limits.archive)
        let settled = execution
        let record = try await loading {
            let record = try await Self.onThread {
                try Self.importLayer(path, settled, message, content: content, layers: layers, limits: limits)
            }
            try adopt(record, as: reference.map { [$0.withDefaultTag] } ?? [])
            return record
        }
        await collectGarbage()
        return try image(named: record.id.description)
    }

    /// Gives an image one more name; takes the name from the image that had it.
    public func tag(_ name: String, as reference: ImageReference) throws {
        guard reference.digest == nil else { throw AgentError(.invalid, "refusing to create a tag with a digest") }
        var changed = index
        changed.tags[reference.tagKey] = try resolve(name)
        try save(changed)
    }

    /// Takes a name away, and the image with its last name.
    ///
    /// - Parameter users: names of the containers that use an image; such an image stays.
    public func remove(
        _ name: String, force: Bool, users: @Sendable (ContentDigest) -> [String]
    ) async throws -> Removal {
        let id = try resolve(name)
        var changed = index
        var removal = Removal()
        let key = (try? ImageReference(name))?.withDefaultTag.tagKey
        let names = changed.tags.filter { $0.value == id }.keys.sorted()
        var gone = names
        if let key, names.contains(key) {
            gone = [key]
        } else if names.count > 1, !force {
            throw AgentError(
                .conflict,
                "unable to delete \(id.hex.prefix(12)) (must be forced) - image is referenced in multiple names")
        }
        let deleting = gone.count == names.count
        if deleting, let user = users(id).first {
            throw AgentError(
                .conflict,
                "unable to remove \"\(name)\": container \(user.prefix(12)) is using image \(id.hex.prefix(12))")
        }
        for key in gone {
            changed.tags[key] = nil
            removal.untagged.append(try ImageReference(key).description)
        }
        if deleting, let record = changed.images.removeValue(forKey: id) {
            removal.deleted = [id.description] + record.layers.reversed().map(\.description)
        }
        try save(changed)
        configurations = configurations.filter { changed.images[$0.key] != nil }
        await collectGarbage()
        return removal
    }

    private func image(_ record: ImageRecord) -> Image? {
        guard let configuration = configurations[record.id] else { return nil }
        let tags = index.tags.filter { $0.value == record.id }.keys
        return Image(
            id: record.id, configuration: configuration, layers: record.layers, size: record.size,
            loadedAt: record.loadedAt, tags: tags.compactMap { try? ImageReference($0).description }.sorted())
    }

    private func resolve(_ name: String) throws -> ContentDigest {
        if let id = ContentDigest(name) ?? ContentDigest(hex: name), index.images[id] != nil { return id }
        let reference = try? ImageReference(name)
        if let reference, let id = index.tags[reference.tagKey], reference.digest == nil || reference.digest == id {
            return id
        }
        if let digest = reference?.digest, index.images[digest] != nil { return digest }
        let prefix = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        if !prefix.isEmpty, prefix.utf8.allSatisfy(ContentDigest.isHexadecimal) {
            let matches = index.images.keys.filter { $0.hex.hasPrefix(prefix) }
            if matches.count > 1 { throw AgentError(.invalid, "the prefix \(prefix) means several images") }
            if let match = matches.first { return match }
        }
        if reference == nil { _ = try ImageReference(name) }
        throw Self.missing(name)
    }

    private static func missing(_ name: String) -> AgentError {
        AgentError(.notFound, "No such image: \(name.prefix(300))")
    }

    /// Runs `body` while nothing is collected, and not before a collection under way is done.
    private func loading<T>(_ body: () async throws -> T) async throws -> T {
        while isSweeping {
            await withCheckedContinuation { waiter in
                if isSweeping { waitingForSweep.append(waiter) } else { waiter.resume() }
            }
        }
        loadsInProgress += 1
        defer { loadsInProgress -= 1 }
        return try await body()
    }

    private static func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        do {
            return try await runOnThread(named: "image-load", body)
        } catch let error as SystemError {
            throw AgentError(.invalid, "the image could not be unpacked", cause: error)
        }
    }

    private func adopt(_ record: ImageRecord, as references: [ImageReference]) throws {
        var changed = index
        changed.images[record.id] = record
        for reference in references { changed.tags[reference.tagKey] = record.id }
        let bytes = try content.read(record.id, limit: limits.archive.documentBytes)
        configurations[record.id] = try ImageArchive.configuration(bytes, of: record.id)
        try save(changed)
        log.info("image stored", ["image": record.id, "names": references.map(\.description).joined(separator: ",")])
    }

    private func save(_ changed: ImageIndex) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try Files.replace(indexPath, with: Array(try encoder.encode(changed)), mode: 0o600)
        index = changed
    }

    /// Removes blobs and layers that no image names.
    private func collectGarbage() async {
        guard loadsInProgress == 0, !isSweeping else { return }
        var used: Set<ContentDigest> = []
        for record in index.images.values {
            used.insert(record.id)
            used.formUnion(record.blobs)
            used.formUnion(record.layers)
        }
        let (content, layers, kept) = (content, layers, used)
        isSweeping = true
        defer {
            isSweeping = false
            for waiting in waitingForSweep { waiting.resume() }
            waitingForSweep = []
        }
        do {
            try await runOnThread(named: "image-sweep") { try Self.sweep(content, layers, keeping: kept) }
        } catch {
            log.warning("unused image content stays", ["error": String(describing: error)])
        }
    }

    private static func sweep(
        _ content: ContentStore, _ layers: LayerStore, keeping used: Set<ContentDigest>
    ) throws {
        for name in try Files.list(content.directory + "/blobs/sha256") {
            if let digest = ContentDigest(hex: name), !used.contains(digest) { content.remove(digest) }
        }
        for name in try Files.list(layers.directory) {
            if let digest = ContentDigest(hex: name), !used.contains(digest) { try layers.remove(digest) }
        }
    }

    private static func importLayer(
        _ path: String, _ execution: ImageConfiguration.Execution, _ message: String?, content: ContentStore,
        layers: LayerStore, limits: ImageArchive.Limits
    ) throws -> ImageRecord {
        let writer = try content.makeWriter(limit: limits.bytes, subject: "the root file system's tar")
        let file = try Files.open(path, O_RDONLY)
        while true {
            let bytes = try Files.read(file.rawValue, upTo: 128 * 1024)
            if bytes.isEmpty { break }
            try bytes.withUnsafeBytes { try writer.write($0) }
        }
        let blob = try writer.finish()
        let (diffID, size) = try layers.unpack(blob: blob.path, as: nil, subject: "the root file system's tar")
        let now = WallClock.now()
        let created = now.description
        let configuration = ImageConfiguration(
            created: created, architecture: machineArchitecture, os: "linux", execution: execution,
            rootFileSystem: .init(type: "layers", diffIDs: [diffID]),
            history: [.init(created: created, comment: message ?? "Imported from -")])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let id = try content.write(Array(try encoder.encode(configuration)))
        try content.commit(blob)
        return ImageRecord(id: id, layers: [diffID], blobs: [blob.digest], size: size, loadedAt: now)
    }
}

/// This machine's architecture as images spell it.
var machineArchitecture: String {
    #if arch(x86_64)
        "amd64"
    #elseif arch(arm64)
        "arm64"
    #else
        "unknown"
    #endif
}
