import Testing

@testable import Platform

@Suite struct LoggerTests {
    private let time = Timestamp(seconds: 0)

    @Test func textLines() {
        let line = Logger.line(
            at: time, .info, component: "raft", "won \"it\"", ["term": 3, "why": "no leader\n", "empty": ""],
            format: .text)
        #expect(
            line == "time=1970-01-01T00:00:00Z level=info component=raft msg=\"won \\\"it\\\"\" term=3 "
                + "why=\"no leader\\n\" empty=\"\"\n")
    }

    @Test func jsonLines() {
        let line = Logger.line(at: time, .error, component: "raft", "a\u{1}", ["term": 3], format: .json)
        #expect(
            line == "{\"time\":\"1970-01-01T00:00:00Z\",\"level\":\"error\",\"component\":\"raft\","
                + "\"msg\":\"a\\u0001\",\"term\":\"3\"}\n")
    }

    @Test func levelsHaveNames() {
        #expect(Logger.Level.allCases.allSatisfy { Logger.Level(name: $0.name) == $0 })
        #expect(Logger.Level(name: "loud") == nil)
    }
}
