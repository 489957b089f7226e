import HTTP
import Model
import Platform

/// Prints a log stream as it comes, each line told by where it is from.
struct LogPrinter {
    /// Bytes of a line that is held back until it ends; a longer one is printed in pieces.
    static let lineLimit = 1 << 20

    private let console: Console
    /// Names a task by its id; nil where lines stand without a prefix.
    private let label: ((String) -> String)?
    private var demultiplexer = LogDemultiplexer()
    private var open: [String: [UInt8]] = [:]
    private var width = 0

    init(_ console: Console, label: ((String) -> String)? = nil) {
        self.console = console
        self.label = label
    }

    /// Prints a whole answer.
    ///
    /// - Throws: `Failure` where the stream is garbled or ends within a frame.
    static func print(
        _ response: HTTPResponse, to console: Console, label: ((String) -> String)? = nil
    ) async throws {
        // What a container with a terminal wrote comes as it is.
        guard response.headers["Content-Type"] != RawStreamFrame.rawContentType else {
            for try await piece in response.body { console.write(piece, to: .output) }
            return
        }
        var printer = LogPrinter(console, label: label)
        for try await piece in response.body { try printer.feed(piece) }
        try printer.finish()
    }

    mutating func feed(_ piece: [UInt8]) throws(Failure) {
        for frame in try demultiplexer.feed(piece) {
            switch frame.stream {
            case .system: throw Failure(String(decoding: frame.bytes, as: UTF8.self))
            case .error: print(frame.bytes, to: .error)
            case .output, .input: print(frame.bytes, to: .output)
            }
        }
    }

    mutating func finish() throws(Failure) {
        for (key, bytes) in open.sorted(by: { $0.key < $1.key }) where !bytes.isEmpty {
            console.write(bytes + [10], to: key.hasPrefix("e") ? .error : .output)
        }
        open = [:]
        if demultiplexer.isTorn { throw Failure("the log stream broke off in the middle of a line") }
    }

    private mutating func print(_ entry: [UInt8], to stream: Console.Stream) {
        guard let label else { return console.write(entry, to: stream) }
        let parsed = LogDetails.split(entry)
        let key = (stream == .error ? "e" : "o") + parsed.taskID
        if open[key, default: []].isEmpty {
            let name = label(parsed.taskID)
            width = max(width, name.count)
            open[key] = Array((name.padded(to: width) + "    | ").utf8) + parsed.timestamp
        }
        open[key, default: []] += parsed.text
        guard let line = open[key], line.last == 10 || line.count > Self.lineLimit else { return }
        console.write(line, to: stream)
        open[key] = []
    }
}
