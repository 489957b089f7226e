public import Model
public import Platform

/// One line, or part of a long one, that a container wrote.
public struct ContainerLogLine: Sendable, Equatable {
    public var timestamp: Timestamp
    public var stream: LogStream
    /// The line goes on in the stream's next entry.
    public var isPartial: Bool
    /// As written, without the newline.
    public var bytes: [UInt8]
}

/// Reads conmon's k8s-file format: `TIMESTAMP STREAM F|P TEXT`, a line each, bytes in any pieces.
struct ContainerLogParser {
    /// Longer lines are cut: conmon itself splits at 8 KiB.
    static let maximumLine = 64 * 1024

    private var rest: [UInt8] = []
    private var isSkipping = false

    mutating func feed(_ bytes: some Collection<UInt8>) -> [ContainerLogLine] {
        var lines: [ContainerLogLine] = []
        rest.append(contentsOf: bytes)
        var start = rest.startIndex
        while let newline = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if isSkipping {
                isSkipping = false
            } else if let line = Self.parse(rest[start..<newline]) {
                lines.append(line)
            }
            start = rest.index(after: newline)
        }
        rest.removeSubrange(..<start)
        if rest.count > Self.maximumLine {
            if !isSkipping, let line = Self.parse(rest.prefix(Self.maximumLine)) { lines.append(line) }
            isSkipping = true
            rest = []
        }
        return lines
    }

    /// Nil for what is not such a line.
    static func parse(_ line: ArraySlice<UInt8>) -> ContainerLogLine? {
        let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4, fields[0].count <= 64,
            let timestamp = Timestamp(String(decoding: fields[0], as: UTF8.self)),
            let stream = LogStream(rawValue: String(decoding: fields[1], as: UTF8.self)),
            fields[2].elementsEqual("F".utf8) || fields[2].elementsEqual("P".utf8)
        else { return nil }
        return ContainerLogLine(
            timestamp: timestamp, stream: stream, isPartial: fields[2].elementsEqual("P".utf8),
            bytes: Array(fields[3]))
    }
}
