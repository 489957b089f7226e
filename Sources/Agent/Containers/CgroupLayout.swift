import CLinux
import Glibc
import Platform

/// How this machine mounts its control groups: version 1 (with or without 2 beside it) or version 2 alone.
///
/// Source: cgroups(7); kernel, Documentation/admin-guide/cgroup-v2.rst.
struct CgroupLayout: Sendable, Equatable {
    /// Version 1 controllers by name (`memory`, `pids`, `name=systemd`) and where each is mounted.
    var controllers: [String: String] = [:]
    /// Where version 2 is mounted, if it is.
    var unified: String?

    /// Whether controllers are those of version 2.
    var isUnified: Bool { controllers.isEmpty }

    /// Reads what is mounted in this process's mount namespace.
    static func current() throws -> CgroupLayout {
        CgroupLayout(mountInfo: try Files.readText("/proc/self/mountinfo", limit: 64 << 20))
    }

    init(mountInfo: String) {
        for line in mountInfo.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard let first = halves.first, halves.count == 2 else { continue }
            let before = first.split(separator: " ")
            let after = halves[1].split(separator: " ")
            guard before.count > 4, after.count > 2 else { continue }
            let mountPoint = String(before[4])
            if after[0] == "cgroup2" {
                if unified == nil { unified = mountPoint }
            } else if after[0] == "cgroup" {
                for option in after[2].split(separator: ",") where Self.isController(option) {
                    if controllers[String(option)] == nil { controllers[String(option)] = mountPoint }
                }
            }
        }
    }

    private static func isController(_ option: Substring) -> Bool {
        !["rw", "ro", "xattr", "clone_children", "noprefix", "relatime"].contains(option)
            && !option.hasPrefix("release_agent=")
    }

    /// Makes the group at `path` in the hierarchies that account for memory, CPU and processes; answers the files that
    /// take a process into it. A monitor in there neither counts as the daemon's nor dies with its unit.
    func makeAccountingGroups(_ path: String) throws -> [String] {
        let groups: Set<String> =
            if isUnified {
                Set(unified.map { [$0 + path] } ?? [])
            } else {
                Set(["name=systemd", "memory", "pids", "cpu"].compactMap { controllers[$0] }.map { $0 + path })
            }
        for group in groups { try Files.createDirectories(group) }
        return groups.sorted().map { $0 + "/cgroup.procs" }
    }

    /// Removes a group everywhere; a missing one is fine. False where a process is still in it (EBUSY).
    @discardableResult
    func remove(_ path: String) -> Bool {
        let mountPoints = Set(controllers.values).union(unified.map { [$0] } ?? [])
        var isGone = true
        for mountPoint in mountPoints where rmdir(mountPoint + path) == -1 && errno == EBUSY { isGone = false }
        return isGone
    }

    /// Removes the group of a process that is about to end, and waits for that. Blocks, for a second at most.
    @discardableResult
    func removeOnceEmpty(_ path: String) -> Bool {
        for _ in 0..<100 {
            if remove(path) { return true }
            usleep(10_000)
        }
        return false
    }

    /// A control file's content, such as `memory.limit_in_bytes` of controller `memory`; on version 2 the controller
    /// does not matter. Nil where it cannot be read.
    func read(_ path: String, controller: String, file: String) -> String? {
        guard let mountPoint = isUnified ? unified : controllers[controller] else { return nil }
        return (try? Files.readText("\(mountPoint)\(path)/\(file)", limit: 65_536))?.trimmed
    }

    /// Bytes that the group's processes have in memory; nil where it is not accounted.
    func memoryUsage(_ path: String) -> Int64? {
        read(path, controller: "memory", file: isUnified ? "memory.current" : "memory.usage_in_bytes").flatMap {
            Int64($0)
        }
    }

    /// How many of its processes the kernel killed for want of memory.
    func outOfMemoryKills(_ path: String) -> Int {
        let file = isUnified ? "memory.events" : "memory.oom_control"
        let lines = read(path, controller: "memory", file: file)?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("oom_kill ") }.flatMap { Int($0.dropFirst(9)) } ?? 0
    }
}
