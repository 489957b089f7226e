import Synchronization
import Testing

@testable import clusterctl

@Suite struct LogStreamTests {
    private func frame(_ stream: UInt8, _ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let length = UInt32(bytes.count)
        return [stream, 0, 0, 0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + bytes
    }

    @Test func framesAreFoundHoweverTheyAreCut() throws {
        let stream = frame(1, "one\n") + frame(2, "") + frame(2, "two\n")
        for size in 1...stream.count {
            var demultiplexer = LogDemultiplexer()
            var frames: [LogDemultiplexer.Frame] = []
            for start in Swift.stride(from: 0, to: stream.count, by: size) {
                frames += try demultiplexer.feed(Array(stream[start..<min(start + size, stream.count)]))
            }
            #expect(
                frames == [
                    .init(stream: .output, bytes: Array("one\n".utf8)), .init(stream: .error, bytes: []),
                    .init(stream: .error, bytes: Array("two\n".utf8)),
                ])
            #expect(!demultiplexer.isTorn)
        }
    }

    @Test func garbageIsRefused() throws {
        for head: [UInt8] in [[9, 0, 0, 0, 0, 0, 0, 1], [1, 1, 0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 255, 255, 255, 255]] {
            var demultiplexer = LogDemultiplexer()
            #expect(throws: Failure.self) { try demultiplexer.feed(head) }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var demultiplexer = LogDemultiplexer()
            let bytes = (0..<Int.random(in: 0...64, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            _ = try? demultiplexer.feed(bytes)
            _ = LogDetails.split(bytes)
        }
        var torn = LogDemultiplexer()
        #expect(try torn.feed([1, 0, 0]).isEmpty)
        #expect(torn.isTorn)
    }

    @Test func detailsAreReadOff() {
        let details = "com.docker.swarm.node.id=n,com.docker.swarm.service.id=s,com.docker.swarm.task.id=t1"
        #expect(
            LogDetails.split(Array("\(details) hello world\n".utf8))
                == LogDetails(taskID: "t1", timestamp: [], text: Array("hello world\n".utf8)))
        let stamped = LogDetails.split(Array("2026-11-23T18:00:00.000000001Z \(details) x\n".utf8))
        #expect(stamped.taskID == "t1" && stamped.timestamp == Array("2026-11-23T18:00:00.000000001Z ".utf8))
        let plain = Array("just text\n".utf8)
        #expect(LogDetails.split(plain) == LogDetails(taskID: "", timestamp: [], text: plain))
        #expect(LogDetails.split([]).text == [])
    }

    @Test func linesSayWhereTheyAreFrom() throws {
        let written = Mutex<[(Console.Stream, String)]>([])
        let console = Console { stream, bytes in
            written.withLock { $0.append((stream, String(decoding: bytes, as: UTF8.self))) }
        }
        var printer = LogPrinter(console) { ["t1": "web.1", "t22": "web.22"][$0] ?? $0 }
        func entry(_ task: String, _ text: String) -> String { "com.docker.swarm.task.id=\(task) \(text)" }
        try printer.feed(
            frame(1, entry("t22", "long\n")) + frame(1, entry("t1", "begun ")) + frame(2, entry("t1", "oops\n")))
        try printer.feed(frame(1, entry("t1", "and ended\n")) + frame(1, entry("t1", "cut")))
        try printer.finish()
        let lines = written.withLock { $0 }
        #expect(
            lines.map(\.1) == [
                "web.22    | long\n", "web.1     | oops\n", "web.1     | begun and ended\n", "web.1     | cut\n",
            ])
        #expect(lines.map(\.0) == [.output, .error, .output, .output])
    }

    @Test func theDaemonsOwnErrorEndsTheStream() {
        var printer = LogPrinter(Console { _, _ in })
        let error = #expect(throws: Failure.self) { try printer.feed(frame(3, "log is gone")) }
        #expect(error?.message == "log is gone")
    }
}
