internal import HTTP
internal import Model
internal import Platform
internal import Store

/// The answer to a `/logs` call: entries as Docker frames them on a stream.
struct LogAnswer: Sendable {
    private let request: HTTPRequest
    private let options: LogOptions
    private let subject: LogSubject
    private let isTTY: Bool
    private let withTimestamps: Bool
    private let withDetails: Bool
    private let contentType: String

    /// Multiplexed streams have a media type of their own from this minor version on.
    private static let multiplexedSince = 42

    init(_ request: HTTPRequest, of subject: LogSubject, isTTY: Bool) throws {
        let query = request.query
        options = LogOptions(
            stdout: query.flag("stdout"), stderr: query.flag("stderr"), follow: query.flag("follow"),
            tail: try Self.tail(query["tail"]), since: try Self.instant(query["since"], "since"),
            until: try Self.instant(query["until"], "until"))
        guard options.stdout || options.stderr else {
            throw HTTPError(.badRequest, "Bad parameters: you must choose at least one stream")
        }
        self.request = request
        self.subject = subject
        self.isTTY = isTTY
        withTimestamps = query.flag("timestamps")
        withDetails = query.flag("details")
        let minor = request.captures["version"]?.split(separator: ".").last.flatMap { Int($0) } ?? .max
        contentType =
            isTTY || minor < Self.multiplexedSince ? RawStreamFrame.rawContentType : RawStreamFrame.contentType
    }

    func response(from operations: any ClusterOperations) -> HTTPResponse {
        let body = HTTPBody.stream { writer in
            for try await entry in operations.logs(of: subject, options, while: isShown) {
                try await writer.write(framed(entry))
            }
        }
        return HTTPResponse(.ok, headers: ["Content-Type": contentType], body: body)
    }

    /// Whether the reader may still read it: its token may go, and labels may change. A service that is gone has none, and its tasks
    /// write their last lines.
    private func isShown(in snapshot: Snapshot) -> Bool {
        guard let view = try? AccessView(snapshot, for: request) else { return false }
        guard let service = snapshot.get(Service.self, subject.serviceID) else { return true }
        if let id = subject.taskID { return snapshot.get(ClusterTask.self, id).map(view.shows) ?? true }
        return view.shows(service)
    }

    private func framed(_ entry: LogEntry) -> [UInt8] {
        var line: [UInt8] = []
        if withTimestamps { line += Array("\(entry.timestamp.fixedWidth) ".utf8) }
        if withDetails { line += Array(details(of: entry).utf8) }
        line += entry.bytes
        return isTTY ? line : RawStreamFrame.encode(entry.stream, line)
    }

    private func details(of entry: LogEntry) -> String {
        "com.docker.swarm.node.id=\(entry.nodeID),com.docker.swarm.service.id=\(subject.serviceID),"
            + "com.docker.swarm.task.id=\(entry.taskID) "
    }

    /// A number of lines; `all` and nothing mean every one.
    private static func tail(_ text: String?) throws -> Int? {
        guard let text, !text.isEmpty, text != "all" else { return nil }
        guard let count = Int(text) else { throw HTTPError(.badRequest, "invalid tail '\(text)': a number or 'all'") }
        return count < 0 ? nil : count
    }

    private static func instant(_ text: String?, _ name: String) throws -> Timestamp? {
        guard let text, !LogTime.isAbsent(text) else { return nil }
        guard let instant = LogTime.parse(text) else {
            throw HTTPError(.badRequest, "invalid \(name) '\(text)': seconds since 1970 or an RFC 3339 time")
        }
        return instant
    }
}
