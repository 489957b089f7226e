public import Platform

/// What an agent says to its manager over a dispatch channel. One JSON object a frame, named by its only key.
public enum AgentMessage: Codable, Sendable, Equatable {
    /// First on every connection, and again when the node's description changed.
    case register(Registration)
    /// `clock` is what the node takes for the time; nil from earlier versions.
    case heartbeat(sessionID: String, clock: Timestamp? = nil)
    /// Batched every 100 ms; at most `DispatchLimits.statusesPerMessage`.
    case taskStatuses([TaskStatusUpdate])
    case logEntries(subscription: String, [LogEntry])
    /// No more entries will come; `error` says why if it was not the end of the log.
    case logEnd(subscription: String, error: String?)
}

/// What a manager says to an agent.
public enum ManagerMessage: Codable, Sendable, Equatable {
    case registered(Session)
    /// This manager does not lead: connect to one of these (the leader first, if it is known).
    case redirect([ManagerEndpoint])
    /// The node may not take part: it was removed. The agent stops its tasks.
    case refused(reason: String)
    case heartbeat(periodNanoseconds: Int64)
    /// Secrets and configs of the tasks in the assignments that come next: never written down on the node.
    case files([AssignedFile])
    /// Everything the node should have; what is not in it is to be removed.
    case assignments(AssignmentSet)
    /// Changes since the message numbered `sequence - 1`; another number means a gap, and the agent registers again.
    case assignmentChanges(AssignmentChanges)
    /// All managers, whenever the set changes.
    case managers([ManagerEndpoint])
    case logSubscribe(LogSubscription)
    case logCancel(subscription: String)
    /// The node is to ask for a certificate and the roots that are trusted, now.
    case renewCertificate
}

/// The bounds and periods of the dispatcher protocol.
public enum DispatchLimits {
    public static let statusesPerMessage = 512
    public static let logEntriesPerMessage = 256
    /// From an agent's status report to its next, for each status in it: one task's way to running is told step by step,
    /// many tasks' in batches.
    public static let statusPause: Duration = .milliseconds(10)
    /// The longest of these pauses.
    public static let statusInterval: Duration = .milliseconds(100)
    /// The manager's default period; an agent adds up to a tenth of jitter.
    public static let heartbeatPeriod: Duration = .seconds(2)
    /// Periods without a heartbeat until a node counts as down.
    public static let heartbeatGrace = 3
    /// How long an agent may take to find a leader that is there, past managers that are silent: a connection that leads
    /// nowhere, and the pause before it tries again.
    public static let leaderSearch: Duration = .seconds(6)
    /// Silence of a node that a new leader has not heard of yet, until it counts as down: its agent has to notice first that the
    /// former leader is gone, which may have been silently, and to find this one.
    public static func newLeaderGrace(heartbeat period: Duration) -> Duration {
        period * (managerSilence + heartbeatGrace) + leaderSearch
    }
    /// Bytes of secrets and configs in one message, unless one alone is more.
    public static let fileBytesPerMessage = 2 << 20
    /// Periods without a word of the manager until an agent looks for another.
    public static let managerSilence = 2
}

/// What an agent says of itself when it opens a session.
public struct Registration: Codable, Sendable, Equatable {
    public var description: NodeDescription
    /// Where other nodes' VXLAN devices reach this one: an IPv4 address.
    public var dataPathAddress: String
    /// `IP:PORT` where its cluster port is, or would be.
    public var clusterAddress: String?
    /// What the agent knows of its tasks, so that a new leader learns what happened meanwhile.
    public var statuses: [TaskStatusUpdate]

    public init(
        description: NodeDescription, dataPathAddress: String, clusterAddress: String? = nil,
        statuses: [TaskStatusUpdate]
    ) {
        self.description = description
        self.dataPathAddress = dataPathAddress
        self.clusterAddress = clusterAddress
        self.statuses = statuses
    }
}

/// A manager's answer to a registration.
public struct Session: Codable, Sendable, Equatable {
    public var id: String
    public var heartbeatPeriodNanoseconds: Int64
    public var managers: [ManagerEndpoint]

    public init(id: String, heartbeatPeriodNanoseconds: Int64, managers: [ManagerEndpoint]) {
        self.id = id
        self.heartbeatPeriodNanoseconds = heartbeatPeriodNanoseconds
        self.managers = managers
    }
}

/// Where a manager is reached.
public struct ManagerEndpoint: Codable, Sendable, Hashable {
    public var nodeID: String
    /// `IP:PORT` of the cluster port.
    public var address: String

    public init(nodeID: String, address: String) {
        self.nodeID = nodeID
        self.address = address
    }
}

/// What has become of one task.
public struct TaskStatusUpdate: Codable, Sendable, Equatable {
    public var taskID: String
    public var status: TaskStatus

    public init(taskID: String, status: TaskStatus) {
        self.taskID = taskID
        self.status = status
    }
}

/// All that a node is to run: the first assignment of a session.
public struct AssignmentSet: Codable, Sendable, Equatable {
    public var sequence: UInt64
    /// Sorted by id.
    public var tasks: [ClusterTask]
    public var networkState: NetworkState
    /// Ids of the secrets and configs that these tasks use, of those that there are; the node forgets all others.
    public var files: [String]?

    public init(sequence: UInt64, tasks: [ClusterTask], networkState: NetworkState, files: [String] = []) {
        self.sequence = sequence
        self.tasks = tasks
        self.networkState = networkState
        self.files = files.isEmpty ? nil : files
    }
}

/// The data of a secret or a config.
public struct AssignedFile: Codable, Sendable, Equatable {
    public var id: String
    public var content: Base64Bytes

    public init(id: String, content: Base64Bytes) {
        self.id = id
        self.content = content
    }
}

/// What changed since the assignments that were sent before.
public struct AssignmentChanges: Codable, Sendable, Equatable {
    public var sequence: UInt64
    public var updatedTasks: [ClusterTask]
    /// Tasks the managers no longer know: stop and remove what is left of them.
    public var removedTasks: [String]
    /// The node's whole network state; nil where nothing of it changed.
    public var networkState: NetworkState?
    /// Ids of secrets and configs that no task of the node uses any more: the node forgets them.
    public var removedFiles: [String]?

    public init(
        sequence: UInt64, updatedTasks: [ClusterTask] = [], removedTasks: [String] = [],
        networkState: NetworkState? = nil, removedFiles: [String] = []
    ) {
        self.sequence = sequence
        self.updatedTasks = updatedTasks
        self.removedTasks = removedTasks
        self.networkState = networkState
        self.removedFiles = removedFiles.isEmpty ? nil : removedFiles
    }
}
