import HTTP
import Model
import Platform

/// The end of what a task wrote, told beside its failure.
enum LastWords {
    private static let lines = 5
    /// Bytes of log that are looked at.
    private static let limit = 64 << 10

    /// The last lines of a task's log, of both streams; none where there are none to be had.
    static func of(_ task: String, _ session: Session) async -> [String] {
        let query: [(String, String?)] = [("stdout", "1"), ("stderr", "1"), ("tail", "\(lines)")]
        guard let response = try? await session.engine.open(.get, ["tasks", task, "logs"], query: query),
            let bytes = try? await response.body.collect(upTo: limit)
        else { return [] }
        var written = bytes
        if response.headers["Content-Type"] != RawStreamFrame.rawContentType {
            var demultiplexer = LogDemultiplexer()
            guard let frames = try? demultiplexer.feed(bytes) else { return [] }
            written = frames.flatMap { $0.stream == .system ? [] : $0.bytes }
        }
        let text = written.split(separator: 10).suffix(lines).map { String(decoding: $0, as: UTF8.self) }
        return text.map(Terminal.harmless)
    }
}
