import HTTP
import Platform

/// The lines of JSON in which the daemon tells of long work: `{"stream":"..."}`, `{"status":"..."}`, `{"error":"..."}`.
struct ProgressMessages {
    /// Bytes of one line at most.
    static let lineLimit = 1 << 20

    private var buffer: [UInt8] = []

    /// What to print for the next piece of the answer.
    ///
    /// - Throws: `Failure` with the daemon's error, or for a line that never ends.
    mutating func feed(_ piece: [UInt8]) throws(Failure) -> [String] {
        buffer += piece
        var texts: [String] = []
        var lines = buffer.split(separator: 10, omittingEmptySubsequences: false)
        let last = lines.popLast() ?? []
        for line in lines where !line.isEmpty { try append(Array(line), to: &texts) }
        guard last.count <= Self.lineLimit else { throw Failure("the daemon's answer has a line without end") }
        buffer = Array(last)
        return texts
    }

    /// What the last line says, where no newline ended it.
    mutating func finish() throws(Failure) -> [String] {
        var texts: [String] = []
        if buffer.contains(where: { $0 > 32 }) { try append(buffer, to: &texts) }
        buffer = []
        return texts
    }

    static func print(_ response: HTTPResponse, to console: Console) async throws {
        var messages = ProgressMessages()
        for try await piece in response.body {
            for text in try messages.feed(piece) { console.line(text) }
        }
        for text in try messages.finish() { console.line(text) }
    }

    private func append(_ line: [UInt8], to texts: inout [String]) throws(Failure) {
        guard let message = try? HTTPJSON.decode(JSONValue.self, from: line) else {
            throw Failure("the daemon's answer is not understood: \(String(decoding: line.prefix(200), as: UTF8.self))")
        }
        if let error = message["errorDetail"]?["message"]?.text ?? message["error"]?.text { throw Failure(error) }
        guard let text = message["stream"]?.text ?? message["status"]?.text else { return }
        let plain = text.split(separator: "\n").map { Terminal.harmless(String($0)) }
        texts += plain.filter { !$0.isEmpty }
    }
}
