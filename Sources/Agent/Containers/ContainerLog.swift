import Glibc
public import Model
import Platform

/// The file that a container's output is kept in.
public struct ContainerLog: Sendable {
    let path: String

    /// Reads the wanted lines, oldest first.
    ///
    /// - Parameter hasEnded: asked while following: whether the container writes no more.
    public func cursor(
        _ options: LogOptions, hasEnded: @escaping @Sendable () async -> Bool
    ) -> ContainerLogCursor {
        ContainerLogCursor(path: path, options: options, hasEnded: hasEnded)
    }
}

/// A reader's place in a log: each call gives the next lines when there are some.
public struct ContainerLogCursor: Sendable {
    /// Bytes read at once.
    static let chunk = 64 * 1024
    /// Between two looks at a log that is followed.
    static let pollInterval: Duration = .milliseconds(50)

    private let path: String
    private let options: LogOptions
    private let hasEnded: @Sendable () async -> Bool
    private var parser = ContainerLogParser()
    private var offset: Int64?
    private var isOver = false

    init(path: String, options: LogOptions, hasEnded: @escaping @Sendable () async -> Bool) {
        self.path = path
        self.options = options
        self.hasEnded = hasEnded
    }

    /// The next lines, at least one; nil at the end of the log, which a followed one has when its container has ended.
    public mutating func next() async throws -> [ContainerLogLine]? {
        while !isOver {
            try Task.checkCancellation()
            // Asked before the file is read: what was written before the end is then in it.
            let wasOver = options.follow ? await hasEnded() : true
            let (bytes, end) = try await read()
            offset = end
            if bytes.isEmpty {
                if wasOver { break }
                try await Task.sleep(for: Self.pollInterval)
                continue
            }
            let lines = parser.feed(bytes).filter(isWanted)
            if let until = options.until, lines.last.map({ $0.timestamp > until }) == true { isOver = true }
            let kept = lines.filter { line in options.until.map { line.timestamp <= $0 } ?? true }
            if !kept.isEmpty { return kept }
        }
        isOver = true
        return nil
    }

    private func isWanted(_ line: ContainerLogLine) -> Bool {
        if let since = options.since, line.timestamp < since { return false }
        return options.wants(line.stream)
    }

    private func read() async throws -> ([UInt8], Int64?) {
        let (path, offset, options) = (path, offset, options)
        return try await runOnThread(named: "log") {
            let opened = Glibc.open(path, O_RDONLY | O_CLOEXEC)
            if opened < 0, errno == ENOENT { return ([], offset) }
            let file = Descriptor(owning: try checked(opened, "open", path))
            let start = try offset ?? options.tail.map { try Self.startOfLast($0, of: options, in: file.rawValue) } ?? 0
            try checked(lseek(file.rawValue, off_t(start), SEEK_SET) == -1 ? -1 : Int32(0), "lseek", path)
            let bytes = try Files.read(file.rawValue, upTo: Self.chunk, path)
            return (bytes, start + Int64(bytes.count))
        }
    }

    /// Where the last `count` whole lines of the wanted streams begin: read backwards, chunk by chunk. A line in parts counts once.
    /// How the two streams' lines follow each other is chance: conmon reads them from two pipes.
    static func startOfLast(_ count: Int, of options: LogOptions, in file: Int32) throws -> Int64 {
        let end = Int64(lseek(file, 0, SEEK_END))
        guard end > 0, count > 0 else { return max(0, end) }
        var position = end
        var carried: [UInt8] = []
        var carriedEnd = end
        var seen = 0
        while position > 0 {
            let size = Int(min(Int64(chunk), position))
            position -= Int64(size)
            var bytes = [UInt8](repeating: 0, count: size)
            try checked(pread(file, &bytes, size, off_t(position)), "pread")
            bytes += carried
            // From the end: each newline closes the line before it.
            var lineEnd = carriedEnd == end && bytes.last == UInt8(ascii: "\n") ? bytes.count - 1 : bytes.count
            while let newline = bytes[..<lineEnd].lastIndex(of: UInt8(ascii: "\n")) {
                if counts(bytes[(newline + 1)..<lineEnd], of: options) {
                    if seen == count { return position + Int64(lineEnd) + 1 }
                    seen += 1
                }
                lineEnd = newline
            }
            carried = Array(bytes[..<lineEnd])
            carriedEnd = position + Int64(lineEnd)
            if carried.count > 4 * ContainerLogParser.maximumLine { carried = [] }
        }
        return counts(carried[...], of: options) && seen == count ? carriedEnd + 1 : 0
    }

    private static func counts(_ line: ArraySlice<UInt8>, of options: LogOptions) -> Bool {
        guard let line = ContainerLogParser.parse(line) else { return true }
        return !line.isPartial && options.wants(line.stream)
    }
}
