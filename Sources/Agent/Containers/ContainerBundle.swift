import FoundationEssentials
import Glibc
import Model
import Platform

/// What a container needs on disk before its runtime is called: the mounted root file system, `config.json`, and the
/// files that are mounted over those of the image. All calls block.
struct ContainerBundle: Sendable {
    let specification: ContainerSpecification
    let image: ImageConfiguration
    /// Short names of the lower directories, lowest first.
    let links: [String]
    let layers: String
    let paths: ContainerPaths
    let cgroupPath: String
    let hasUnifiedCgroups: Bool

    /// Makes the folders, mounts the root and writes the files. On a thread of its own: see `OverlayMount.mount`.
    func prepare() throws {
        for directory in [paths.bundle, paths.root, paths.upper, paths.work, paths.persistDirectory] {
            try Files.createDirectories(directory)
        }
        // The container's root directory is the upper one: others than root must be able to enter it.
        chmod(paths.upper, 0o755)
        do {
            try OverlayMount.mount(links: links, layers: layers, paths: paths)
            try writeFiles()
        } catch {
            try? OverlayMount.unmount(paths.root)
            try? removeTree(paths.bundle)
            try? removeTree(paths.persistDirectory)
            throw error
        }
    }

    private func writeFiles() throws {
        let root = try RootDirectory(path: paths.root)
        let users = UserResolver(
            passwd: try Self.text(root, "/etc/passwd"), group: try Self.text(root, "/etc/group"))
        let builder = RuntimeConfigurationBuilder(
            specification: specification, image: image, paths: paths, cgroupPath: cgroupPath,
            hasUnifiedCgroups: hasUnifiedCgroups, users: users)
        try root.makeDirectory(builder.workingDirectory)

        try Files.write(paths.hostname, Array((builder.hostname + "\n").utf8))
        try Files.write(paths.hosts, Array(hosts.utf8))
        try Files.write(paths.resolver, Array(specification.network.resolverConfiguration.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try Files.write(paths.bundle + "/config.json", Array(try encoder.encode(builder.build())), mode: 0o600)
    }

    /// The network's lines and those that users give (`IP name [alias...]`).
    private var hosts: String {
        var text = specification.network.hosts
        if !text.isEmpty, !text.hasSuffix("\n") { text += "\n" }
        for line in specification.spec.hosts ?? [] { text += line.split(separator: "\n").joined(separator: " ") + "\n" }
        return text
    }

    private static func text(_ root: borrowing RootDirectory, _ path: String) throws -> String {
        String(decoding: try root.contents(of: path, limit: 4 << 20) ?? [], as: UTF8.self)
    }
}
