internal import Glibc

/// The control groups of this machine: which hierarchies are mounted where.
public struct Cgroups: Sendable, Hashable {
    /// How the hierarchies are laid out.
    public enum Layout: String, Sendable {
        /// One unified hierarchy with all controllers.
        case v2
        /// One hierarchy for each controller.
        case v1
        /// As v1, and a unified hierarchy beside them.
        case hybrid
        /// None is mounted.
        case none
    }

    public let layout: Layout
    /// Where the unified hierarchy is mounted.
    public let unified: String?
    /// Where each v1 controller is mounted, also `name=systemd`.
    public let controllers: [String: String]

    /// What this process sees.
    public static let system: Cgroups = {
        let text = (try? Files.readText("/proc/self/mountinfo")) ?? ""
        return Cgroups(mountinfo: text)
    }()

    /// How this machine's hierarchies are laid out.
    public static var layout: Layout { system.layout }

    /// Reads the lines of /proc/PID/mountinfo (proc(5)); others than they should be are passed over.
    public init(mountinfo: String) {
        var unified: String?
        var controllers: [String: String] = [:]
        for line in mountinfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 5, fields.count > dash + 3 else { continue }
            let path = String(fields[4])
            switch fields[dash + 1] {
            case "cgroup2":
                if unified == nil { unified = path }
            case "cgroup":
                for option in fields[dash + 3].split(separator: ",") where option != "rw" && option != "ro" {
                    if controllers[String(option)] == nil { controllers[String(option)] = path }
                }
            default: continue
            }
        }
        self.unified = unified
        self.controllers = controllers
        layout =
            switch (unified != nil, controllers.isEmpty) {
            case (true, true): .v2
            case (true, false): .hybrid
            case (false, false): .v1
            case (false, true): .none
            }
    }

    /// The folders of a group: in v2 the one, else one for each of the controllers that is mounted. With no controller named
    /// it is the one hierarchy that limits nothing and only keeps processes together.
    public func folders(of group: String, controllers names: [String] = []) -> [String] {
        let path = group.hasPrefix("/") ? group : "/\(group)"
        if layout == .v2, let unified { return [unified + path] }
        if names.isEmpty {
            let root = controllers["name=systemd"] ?? unified ?? controllers["pids"] ?? controllers.values.min()
            return root.map { [$0 + path] } ?? []
        }
        return Set(names.compactMap { controllers[$0] }).sorted().map { $0 + path }
    }

    /// Makes the group and gives the cgroup.procs files by which a process enters it (see `ChildProcess.Command`).
    public func create(_ group: String, controllers: [String] = []) throws(SystemError) -> [String] {
        var files: [String] = []
        for folder in folders(of: group, controllers: controllers) {
            try Files.createDirectories(folder)
            files.append("\(folder)/cgroup.procs")
        }
        return files
    }

    /// Removes the group and those in it, all of which must be empty of processes (EBUSY). Content where there is none.
    public func remove(_ group: String, controllers: [String] = []) throws(SystemError) {
        for folder in folders(of: group, controllers: controllers) { try Self.removeFolder(folder) }
    }

    private static func removeFolder(_ path: String) throws(SystemError) {
        guard Files.isDirectory(path) else { return }
        // The files in a group are the kernel's: only folders are removed.
        for name in try Files.list(path) where Files.isDirectory("\(path)/\(name)") {
            try removeFolder("\(path)/\(name)")
        }
        if rmdir(path) == -1 && errno != ENOENT { throw SystemError.last("rmdir", path) }
    }

    /// The processes in a group.
    public func processes(in group: String, controllers: [String] = []) -> [Int32] {
        let files = folders(of: group, controllers: controllers).map { "\($0)/cgroup.procs" }
        let texts = files.compactMap { try? Files.readText($0) }
        return Set(texts.flatMap { $0.split(separator: "\n") }.compactMap { Int32($0) }).sorted()
    }
}
