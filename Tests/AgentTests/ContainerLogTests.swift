import Model
import Platform
import TestSupport
import Testing

@testable import Agent

@Suite struct ContainerLogTests {
    /// How conmon interleaves the two streams is chance, so the last lines are those of the streams that were asked for.
    @Test("the last lines are counted among those that are wanted", arguments: [1, 2, 3, 9])
    func tail(count: Int) async throws {
        let folder = try TestFolder()
        defer { folder.remove() }
        let lines = [
            "stdout F one", "stderr F a", "stdout P tw", "stdout F o", "stderr F b", "stdout F three", "stderr F c",
            "stderr F d",
        ]
        let text = lines.map { "2026-11-27T00:00:00.000000001+00:00 \($0)\n" }.joined()
        try Files.write("\(folder.path)/log", Array(text.utf8))
        var cursor = ContainerLog(path: "\(folder.path)/log").cursor(LogOptions(stderr: false, tail: count)) { true }
        var told = ""
        while let next = try await cursor.next() {
            for line in next { told += String(decoding: line.bytes, as: UTF8.self) + (line.isPartial ? "" : "\n") }
        }
        #expect(told.split(separator: "\n") == ["one", "two", "three"].suffix(count))
    }
}
