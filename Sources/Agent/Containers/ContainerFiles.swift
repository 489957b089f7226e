import CLinux
import Glibc
import Model
import Platform

/// A container's secrets and configs: files on a tmpfs of its own, which no disk and no swap sees, from its start to its end.
/// All calls block.
struct ContainerFiles: Sendable {
    /// Where the tmpfs is mounted.
    let path: String

    /// The file of the reference at that place.
    func source(of place: Int) -> String { "\(path)/\(place)" }

    /// Mounts the tmpfs and writes one file for each reference; what an earlier attempt left is replaced.
    ///
    /// - Parameter contents: by the references' ids.
    func write(_ references: [FileReference], _ contents: [String: [UInt8]]) throws {
        try remove()
        try Files.createDirectories(path, mode: 0o700)
        do {
            try mount(references.map { contents[$0.id ?? ""]?.count ?? 0 })
            for (place, reference) in references.enumerated() {
                guard let content = contents[reference.id ?? ""] else {
                    throw AgentError(.notFound, "the data of \(reference.name ?? "a file") is not here")
                }
                try write(content, reference.file, to: source(of: place))
            }
        } catch {
            try? remove()
            throw error
        }
    }

    private static let flags = UInt(MS_NOSUID) | UInt(MS_NODEV)

    /// As large as it must be.
    private func mount(_ sizes: [Int]) throws {
        let pages = sizes.reduce(1) { $0 + ($1 + 4095) / 4096 }
        let options = "mode=0700,size=\(pages * 4096),nr_inodes=\(sizes.count + 2)"
        // Kernels before 6.4 have no tmpfs that is never swapped out.
        if cl_mount("tmpfs", path, "tmpfs", Self.flags, options + ",noswap") == 0 { return }
        guard errno == EINVAL else { throw SystemError.last("mount", path) }
        try checked(cl_mount("tmpfs", path, "tmpfs", Self.flags, options), "mount", path)
    }

    private func write(_ content: [UInt8], _ file: FileReference.File?, to path: String) throws {
        let descriptor = try Files.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try Files.write(descriptor.rawValue, content, path)
        let number = { (text: String?) in text.flatMap { UInt32($0) } ?? 0 }
        try checked(fchown(descriptor.rawValue, number(file?.uid), number(file?.gid)), "fchown", path)
        try checked(fchmod(descriptor.rawValue, mode_t(file?.mode ?? 0o444)), "fchmod", path)
    }

    /// Takes files and tmpfs away; content where there are none. The data goes first: a mount that something still holds must not
    /// keep it.
    func remove() throws {
        guard Files.exists(path) else { return }
        for name in (try? Files.list(path)) ?? [] {
            truncate("\(path)/\(name)", 0)
            unlink("\(path)/\(name)")
        }
        try OverlayMount.unmount(path)
        if rmdir(path) != 0, errno != ENOENT { throw SystemError.last("rmdir", path) }
    }
}
