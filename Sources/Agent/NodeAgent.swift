public import Platform

/// All that one node does with images, containers and tasks, as the daemon builds it.
///
/// Images and containers are there from the start; tasks from when the node is part of a cluster.
public actor NodeAgent {
    /// Where the agent keeps things, and what runs its containers.
    public struct Configuration: Sendable {
        /// Names this installation's cgroups.
        public var engineID: String
        /// Outlives a reboot.
        public var dataDirectory: String
        /// Gone after a reboot.
        public var runDirectory: String
        /// `runc`, `crun`, `runsc` or a path.
        public var runtime: String
        public var conmon = "conmon"
        /// The cgroup above all of the node's containers.
        public var cgroupParent: String
        /// Bytes that one image may unpack to.
        public var imageBytesLimit: Int64 = 64 << 30

        public init(engineID: String, dataDirectory: String, runDirectory: String, runtime: String = "runc") {
            self.engineID = engineID
            self.dataDirectory = dataDirectory
            self.runDirectory = runDirectory
            self.runtime = runtime
            cgroupParent = "/martlet/\(engineID)"
        }
    }

    public nonisolated let configuration: Configuration
    public nonisolated let images: ImageStore
    public nonisolated let containers: ContainerEngine
    private let loop: EventLoop
    /// The node's tasks; nil while it is in no cluster.
    public private(set) var worker: Worker?

    /// Opens images and containers; containers that an earlier daemon left running are taken up.
    ///
    /// - Throws: `AgentError.unsupported` that says what is missing on this machine.
    public static func open(_ configuration: Configuration, loop: EventLoop) async throws -> NodeAgent {
        var limits = ImageStore.Limits()
        limits.bytes = configuration.imageBytesLimit
        let settled = limits
        let directory = configuration.dataDirectory + "/images"
        let images = try await runOnThread(named: "images") {
            try Files.createDirectories(directory, mode: 0o711)
            return try ImageStore(directory: directory, limits: settled)
        }
        var engine = ContainerEngine.Configuration(
            dataDirectory: configuration.dataDirectory, runDirectory: configuration.runDirectory,
            cgroupParent: configuration.cgroupParent)
        engine.runtime = configuration.runtime
        engine.conmon = configuration.conmon
        let containers = try await ContainerEngine.open(engine, images: images, loop: loop)
        return NodeAgent(configuration, images: images, containers: containers, loop: loop)
    }

    private init(
        _ configuration: Configuration, images: ImageStore, containers: ContainerEngine, loop: EventLoop
    ) {
        self.configuration = configuration
        self.images = images
        self.containers = containers
        self.loop = loop
    }

    /// Takes up the tasks of a member of a cluster as they were last assigned to it; the second call answers the same
    /// worker.
    public func startTasks(nodeID: String, networking: any TaskNetworking) async throws -> Worker {
        if let worker { return worker }
        let worker = try await Worker.open(
            nodeID: nodeID, path: "\(configuration.dataDirectory)/tasks-\(nodeID).db", engine: containers,
            networking: networking, loop: loop)
        if let other = self.worker { return other }
        self.worker = worker
        return worker
    }

    /// The node leaves its cluster: its tasks end, and what is not gone within `limit` is left to the next sweep.
    public func endTasks(within limit: Duration) async {
        guard let worker else { return }
        await worker.stopAll()
        let deadline = ContinuousClock.now + limit
        while await !worker.tasks().isEmpty, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(50))
        }
        self.worker = nil
    }

    /// Removes an image by name or id; one that a container uses stays.
    public func removeImage(_ name: String, force: Bool) async throws -> ImageStore.Removal {
        let records = await containers.list()
        return try await images.remove(name, force: force) { image in
            records.filter { $0.image == image }.map(\.id)
        }
    }
}
