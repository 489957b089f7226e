import CLinux
import Glibc
import Platform

/// A container's root file system: its image's layers below, its own writes above (overlayfs).
enum OverlayMount {
    /// Mounts `links` (lower directories' short names relative to `layers`, lowest first) under `paths.root`.
    ///
    /// mount(2) takes one page of options, so the lower directories are named relative to the thread's own working
    /// directory: call it on a thread that ends afterwards. Blocks.
    static func mount(links: [String], layers: String, paths: ContainerPaths) throws {
        // From here on this thread alone has the working directory it sets.
        try checked(cl_unshare(Int32(CLONE_FS)), "unshare", "CLONE_FS")
        try checked(chdir(layers), "chdir", layers)
        let lower = links.reversed().joined(separator: ":")
        let options = "lowerdir=\(lower),upperdir=\(paths.upper),workdir=\(paths.work),index=off"
        guard options.utf8.count < 4096 else {
            throw AgentError(.unsupported, "an image of \(links.count) layers is more than mount(2) takes")
        }
        try checked(cl_mount("overlay", paths.root, "overlay", 0, options), "mount", paths.root)
    }

    /// Takes the mount away, also while something still uses it. Not mounted is fine.
    static func unmount(_ path: String) throws(SystemError) {
        if cl_umount2(path, Int32(MNT_DETACH)) == 0 || errno == EINVAL || errno == ENOENT { return }
        throw SystemError.last("umount2", path)
    }

    /// The mount points under a directory, as this process sees them.
    static func mountPoints(under directory: String) throws -> [String] {
        let text = try Files.readText("/proc/self/mountinfo", limit: 64 << 20)
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4, fields[4].hasPrefix(directory + "/") else { return nil }
            return String(fields[4])
        }
    }
}
