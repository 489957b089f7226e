import Testing

@testable import clusterctl

@Suite struct ProgressMessagesTests {
    @Test func linesAreReadHoweverTheyAreCut() throws {
        let text = "{\"stream\":\"Loaded image: demo:1\\n\"}\n{\"status\":\"a\\u001b[2Jb\"}\r\n\n{\"status\":\"last\"}"
        for size in [1, 7, 1000] {
            var messages = ProgressMessages()
            var shown: [String] = []
            let bytes = Array(text.utf8)
            for start in Swift.stride(from: 0, to: bytes.count, by: size) {
                shown += try messages.feed(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            shown += try messages.finish()
            #expect(shown == ["Loaded image: demo:1", "a [2Jb", "last"])
        }
    }

    @Test func errorsAreThrown() {
        var messages = ProgressMessages()
        let error = #expect(throws: Failure.self) {
            try messages.feed(Array("{\"errorDetail\":{\"message\":\"no space\"},\"error\":\"x\"}\n".utf8))
        }
        #expect(error?.message == "no space")
        #expect(throws: Failure.self) { try messages.feed(Array("<html>\n".utf8)) }
    }

    @Test func aLineHasAnEnd() {
        var messages = ProgressMessages()
        #expect(throws: Failure.self) {
            try messages.feed([UInt8](repeating: 120, count: ProgressMessages.lineLimit + 1))
        }
    }
}
