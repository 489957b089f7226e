public import Platform

/// Which of a container's two outputs a line was written to.
public enum LogStream: String, Codable, Sendable { case stdout, stderr }

/// One line (or part of a long one) that a container wrote.
public struct LogEntry: Codable, Sendable, Equatable {
    public var timestamp: Timestamp
    public var stream: LogStream
    public var taskID: String
    public var nodeID: String
    /// As written, with its newline unless the line goes on in the next entry.
    public var bytes: [UInt8]

    public init(timestamp: Timestamp, stream: LogStream, taskID: String, nodeID: String, bytes: [UInt8]) {
        self.timestamp = timestamp
        self.stream = stream
        self.taskID = taskID
        self.nodeID = nodeID
        self.bytes = bytes
    }
}

/// Which lines of a log are wanted.
public struct LogOptions: Codable, Sendable, Equatable {
    public var stdout: Bool
    public var stderr: Bool
    public var follow: Bool
    /// The last so many lines; nil means all.
    public var tail: Int?
    public var since: Timestamp?
    public var until: Timestamp?

    public init(
        stdout: Bool = true, stderr: Bool = true, follow: Bool = false, tail: Int? = nil, since: Timestamp? = nil,
        until: Timestamp? = nil
    ) {
        self.stdout = stdout
        self.stderr = stderr
        self.follow = follow
        self.tail = tail
        self.since = since
        self.until = until
    }

    /// Whether lines of this stream are wanted.
    public func wants(_ stream: LogStream) -> Bool { stream == .stdout ? stdout : stderr }
}

/// A manager asks an agent for the logs of some of its tasks.
public struct LogSubscription: Codable, Sendable, Equatable {
    public var id: String
    public var taskIDs: [String]
    public var options: LogOptions

    public init(id: String, taskIDs: [String], options: LogOptions) {
        self.id = id
        self.taskIDs = taskIDs
        self.options = options
    }
}
