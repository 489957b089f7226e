import CLinux
import Glibc
import Platform

/// Layers unpacked once into overlay lower directories: `layers/<diffID>/diff`, and `layers/l/<link>` as its short name,
/// because mount(2) takes at most a page of options.
///
/// Calls block: run them on a thread of their own.
struct LayerStore: Sendable {
    let directory: String
    let limits: LayerExtractor.Limits

    init(directory: String, limits: LayerExtractor.Limits) throws {
        self.directory = directory
        self.limits = limits
        try Files.createDirectories(directory + "/l")
        try removeTree(directory + "/incoming")
        try Files.createDirectories(directory + "/incoming")
    }

    func contains(_ diffID: ContentDigest) -> Bool { access("\(directory)/\(diffID.hex)/link", F_OK) == 0 }

    /// The lower directory's short name, relative to `directory`.
    func link(_ diffID: ContentDigest) throws -> String {
        guard contains(diffID) else { throw AgentError(.notFound, "layer \(diffID) is not unpacked") }
        let name = try Files.read("\(directory)/\(diffID.hex)/link", limit: 64)
        return "l/" + String(decoding: name, as: UTF8.self)
    }

    /// Unpacks a layer's blob, compressed or not, and checks that it is the layer that `expected` names, if it is given.
    /// Answers the digest of the uncompressed layer and the bytes of its files; nothing is left behind on failure.
    func unpack(
        blob path: String, as expected: ContentDigest?, subject: String
    ) throws -> (diffID: ContentDigest, bytes: Int64) {
        if let expected, contains(expected) { return (expected, try size(expected)) }
        let work = "\(directory)/incoming/\(Identifier.random())"
        try Files.createDirectories(work + "/diff")
        chmod(work + "/diff", 0o755)
        do {
            let (actual, bytes) = try extract(path, into: work + "/diff", subject: subject)
            if let expected, actual != expected {
                throw AgentError(.corrupt, "\(subject) is \(actual), but the image says \(expected)")
            }
            try publish(work, actual, bytes)
            return (actual, bytes)
        } catch {
            try? removeTree(work)
            throw error
        }
    }

    private func extract(_ path: String, into target: String, subject: String) throws -> (ContentDigest, Int64) {
        try withUnicodeNames {
            let stream = try LayerStream(path: path, subject: subject, limit: limits.bytes)
            var reader = try ArchiveReader(stream, subject: subject)
            let extractor = try LayerExtractor(into: target, limits: limits, subject: subject)
            let bytes = try extractor.extract(&reader)
            return (try stream.finish(), bytes)
        }
    }

    private func publish(_ work: String, _ diffID: ContentDigest, _ bytes: Int64) throws {
        let descriptor = Descriptor(owning: try checked(open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", work))
        let name = String(Identifier.random().prefix(12))
        try Files.replace(work + "/size", with: Array(String(bytes).utf8))
        try Files.replace(work + "/link", with: Array(name.utf8))
        try checked(cl_syncfs(descriptor.rawValue), "syncfs", work)
        try checked(symlink("../\(diffID.hex)/diff", "\(directory)/l/\(name)"), "symlink", name)
        if rename(work, "\(directory)/\(diffID.hex)") != 0 {
            let error = SystemError.last("rename", work)
            unlink("\(directory)/l/\(name)")
            // Another load unpacked the same layer meanwhile.
            guard error.errno == ENOTEMPTY || error.errno == EEXIST, contains(diffID) else { throw error }
            try removeTree(work)
        }
        try Files.syncDirectory(directory)
    }

    func size(_ diffID: ContentDigest) throws -> Int64 {
        let text = try Files.read("\(directory)/\(diffID.hex)/size", limit: 64)
        return Int64(String(decoding: text, as: UTF8.self)) ?? 0
    }

    func remove(_ diffID: ContentDigest) throws {
        if let name = try? link(diffID) { unlink("\(directory)/\(name)") }
        let work = "\(directory)/incoming/\(Identifier.random())"
        // First away from its name: half a layer is never mounted.
        if rename("\(directory)/\(diffID.hex)", work) != 0 {
            if errno == ENOENT { return }
            throw SystemError.last("rename", diffID.hex)
        }
        try removeTree(work)
    }
}
