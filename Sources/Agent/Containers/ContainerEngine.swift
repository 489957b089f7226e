import Glibc
import Model
public import Platform

/// The node's containers: makes, starts, watches, stops and removes them, and takes up again what an earlier daemon left
/// running. Restarts nothing by itself.
public actor ContainerEngine {
    /// Where the engine keeps things, and by which programs it runs containers.
    public struct Configuration: Sendable {
        /// Keeps bundles and records; outlives a reboot.
        public var dataDirectory: String
        /// Keeps sockets, pid and exit files; gone after a reboot.
        public var runDirectory: String
        /// `runc`, `crun`, `runsc` or a path.
        public var runtime = "runc"
        public var conmon = "conmon"
        /// The cgroup above all of the node's, from the hierarchy's root: carries the node's id.
        public var cgroupParent: String
        /// Containers that are made at the same time.
        public var startsAtOnce = 4

        public init(dataDirectory: String, runDirectory: String, cgroupParent: String) {
            self.dataDirectory = dataDirectory
            self.runDirectory = runDirectory
            self.cgroupParent = cgroupParent
        }
    }

    struct Entry {
        var record: ContainerRecord
        /// Watches the first process while it runs.
        var watch: ProcessWatch?
        var waiters: [UInt64: CheckedContinuation<ContainerExit?, Never>] = [:]
        /// Gives the runtime's and the kernel's part back once the container has ended.
        var settling: Task<Void, Never>?
        /// Set while the container is being removed: nothing else may begin with it.
        var isBeingRemoved = false
    }

    /// After a container's process has gone, conmon has this long to write down how.
    static let exitFileGrace: Duration = .seconds(3)

    nonisolated let configuration: Configuration
    nonisolated let directories: ContainerDirectories
    /// From the hierarchy's root, with a slash before it.
    nonisolated let cgroupParent: String
    nonisolated let loop: EventLoop
    let images: ImageStore
    nonisolated let runtime: OCIRuntime
    nonisolated let cgroups: CgroupLayout
    let log = Logger("agent.containers")
    let store: ContainerStore
    private let conmon: Conmon
    private var exitFiles: ExitFileWatch?
    var entries: [String: Entry] = [:]
    var nextWaiter: UInt64 = 0
    private let starts: Gate
    let settlements: Gate

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Probes runtime and conmon, opens the records and takes up what still runs.
    public static func open(
        _ configuration: Configuration, images: ImageStore, loop: EventLoop
    ) async throws -> ContainerEngine {
        let directories = ContainerDirectories(
            data: configuration.dataDirectory, run: configuration.runDirectory)
        for directory in directories.all { try Files.createDirectories(directory, mode: 0o711) }
        let runtime = try await OCIRuntime.probe(configuration.runtime, root: directories.runtimeRoot, loop: loop)
        let engine = try await ContainerEngine(configuration, directories, runtime, images: images, loop: loop)
        try await engine.takeUp()
        return engine
    }

    private init(
        _ configuration: Configuration, _ directories: ContainerDirectories, _ runtime: OCIRuntime,
        images: ImageStore, loop: EventLoop
    ) async throws {
        self.configuration = configuration
        let parent = configuration.cgroupParent
        cgroupParent = parent.hasPrefix("/") ? parent : "/" + parent
        self.directories = directories
        self.runtime = runtime
        self.images = images
        self.loop = loop
        starts = Gate(width: configuration.startsAtOnce)
        settlements = Gate(width: configuration.startsAtOnce)
        cgroups = try CgroupLayout.current()
        conmon = try Conmon(
            configuration.conmon, runtime: runtime, directories: directories, cgroups: cgroups, loop: loop)
        store = try ContainerStore(path: configuration.dataDirectory + "/containers.db")
    }

    private func takeUp() async throws {
        exitFiles = try ExitFileWatch(directory: directories.exits, loop: loop) { [weak self] id in
            self?.assumeIsolated { $0.exitFileAppeared(id) }
        }
        try await reconcile()
    }

    /// The runtime's path and version, for people.
    public nonisolated var runtimeDescription: String { "\(runtime.path) (\(runtime.version))" }

    // MARK: What there is

    /// All containers, the youngest first.
    public func list() -> [ContainerRecord] {
        entries.values.map(\.record).sorted { left, right in
            left.createdAt == right.createdAt ? left.id < right.id : left.createdAt > right.createdAt
        }
    }

    /// The container of that id; throws where there is none.
    public func record(_ id: String) throws -> ContainerRecord {
        guard let entry = entries[id] else { throw Self.missing(id) }
        return entry.record
    }

    /// Finds a container by id, name or unique prefix of its id.
    public func find(_ name: String) throws -> ContainerRecord {
        if let entry = entries[name] { return entry.record }
        let plain = name.hasPrefix("/") ? String(name.dropFirst()) : name
        if let entry = entries.values.first(where: { $0.record.name == plain }) { return entry.record }
        let matches = plain.isEmpty ? [] : entries.keys.filter { $0.hasPrefix(plain) }
        guard matches.count <= 1 else { throw AgentError(.invalid, "the prefix \(plain) means several containers") }
        guard let id = matches.first else { throw Self.missing(plain) }
        return try record(id)
    }

    static func missing(_ name: String) -> AgentError {
        AgentError(.notFound, "No such container: \(name.prefix(200))")
    }

    nonisolated func paths(_ id: String) -> ContainerPaths { ContainerPaths(id: id, directories: directories) }

    /// Where a container's output is kept.
    public nonisolated func logReader(_ id: String) -> ContainerLog { ContainerLog(path: paths(id).log) }

    nonisolated func cgroupPath(_ id: String) -> String { "\(cgroupParent)/\(id)" }
    nonisolated func monitorCgroupPath(_ id: String) -> String { "\(cgroupParent)/monitor-\(id)" }

    // MARK: Life of a container

    /// Makes a container: mounts its root and writes its bundle. Nothing runs yet.
    public func create(_ specification: ContainerSpecification) async throws -> ContainerRecord {
        let id = specification.id
        guard id.utf8.count == 64, id.utf8.allSatisfy(ContentDigest.isHexadecimal) else {
            throw AgentError(.invalid, "\"\(id.prefix(80))\" is not a container id")
        }
        let image = try await images.image(named: specification.spec.image)
        guard entries[id] == nil else { throw AgentError(.conflict, "container \(id) already exists") }
        if let other = entries.values.first(where: { $0.record.name == specification.name }) {
            throw AgentError(
                .conflict,
                "Conflict. The container name \"/\(specification.name)\" is already in use by \(other.record.id)")
        }
        let record = ContainerRecord(
            specification: specification, image: image.id, state: .created,
            arguments: try RuntimeConfigurationBuilder.arguments(specification.spec, image.configuration.execution),
            stopSignal: try RuntimeConfigurationBuilder.stopSignal(specification.spec, image.configuration.execution),
            createdAt: WallClock.now())
        // Takes the id and the name before anything is awaited; persisted before anything is made.
        entries[id] = Entry(record: record)
        do {
            try store.save(record)
            let bundle = try bundle(specification, image)
            try await runOnThread(named: "bundle") { try Phase.mount.measure { try bundle.prepare() } }
        } catch {
            entries[id] = nil
            try? store.remove(id)
            throw error
        }
        return record
    }

    func bundle(_ specification: ContainerSpecification, _ image: Image) throws -> ContainerBundle {
        ContainerBundle(
            specification: specification, image: image.configuration,
            links: try image.layers.map(images.layers.link), layers: images.layers.directory,
            paths: paths(specification.id), cgroupPath: cgroupPath(specification.id),
            hasUnifiedCgroups: cgroups.isUnified)
    }

    /// Starts a container that was created; answers the process id of its first process.
    ///
    /// - Parameter contents: the data of its secrets and configs, by their ids: kept in memory until it ends, and nowhere else.
    @discardableResult
    public func start(_ id: String, contents: [String: [UInt8]] = [:]) async throws -> Int32 {
        guard var entry = entries[id] else { throw Self.missing(id) }
        guard entry.record.state == .created, !entry.isBeingRemoved else {
            throw AgentError(.conflict, "container \(id) is \(entry.record.state.rawValue), it cannot be started")
        }
        entry.record.state = .starting
        entries[id] = entry
        try store.save(entry.record)
        await starts.enter()
        defer { starts.leave() }
        let paths = paths(id)
        // What an attempt that failed may have left.
        unlink(paths.exitFile)
        let references = entry.record.specification.spec.files
        let files = ContainerFiles(path: paths.files)
        do {
            if !references.isEmpty {
                try await runOnThread(named: "files") { try files.write(references, contents) }
            }
            let terminal = entry.record.specification.spec.tty ?? false
            let (name, cgroup) = (entry.record.name, monitorCgroupPath(id))
            let made = try await Phase.create.measure {
                try await conmon.create(id: id, name: name, paths: paths, cgroup: cgroup, terminal: terminal)
            }
            // Identified before it runs: a process that ends at once is still known by then.
            let process = ProcessIdentity(pid: made.container)
            let monitor = ProcessIdentity(pid: made.monitor)
            try await Phase.start.measure { try await runtime.start(id) }
            try nowRunning(id, process, monitor)
            return made.container
        } catch {
            try? await runtime.delete(id, force: true)
            cgroups.remove(monitorCgroupPath(id))
            unlink(paths.exitFile)
            if !references.isEmpty { try? await runOnThread(named: "files") { try files.remove() } }
            if entries[id]?.record.state == .starting {
                try? update(id) { $0.state = .created }
            }
            throw error
        }
    }

    private func nowRunning(_ id: String, _ process: ProcessIdentity?, _ monitor: ProcessIdentity?) throws {
        // A container of a moment may have ended already, its exit file been seen.
        guard entries[id]?.record.state == .starting else { return }
        try update(id) { record in
            record.state = .running
            record.startedAt = WallClock.now()
            record.process = process
            record.monitor = monitor
        }
        watchProcess(id)
    }

    func update(_ id: String, _ change: (inout ContainerRecord) -> Void) throws {
        guard var entry = entries[id] else { throw Self.missing(id) }
        change(&entry.record)
        entries[id] = entry
        try store.save(entry.record)
    }
}
