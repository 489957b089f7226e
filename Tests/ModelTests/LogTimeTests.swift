import Model
import Platform
import Testing

@Suite struct LogTimeTests {
    @Test(
        arguments: [
            ("5", 5, 0), ("1.5", 1, 500_000_000), ("1.", 1, 0), ("1.1234567899", 1, 123_456_789),
            ("1970-01-01T00:00:09Z", 9, 0), ("-3", -3, 0),
        ] as [(String, Int64, Int32)]) func instants(text: String, seconds: Int64, nanoseconds: Int32)
    {
        #expect(LogTime.parse(text) == Timestamp(seconds: seconds, nanoseconds: nanoseconds))
    }

    @Test(arguments: [
        ".", "..", ".5", "x", "1.x", "1.-5", "1.\u{1F4A5}\u{1F4A5}\u{1F4A5}", "-9223372036854775808",
        "9223372036854775807", "99999999999999999999", "1\u{0}", "\u{0}",
    ]) func whatIsNoneIsNone(text: String) {
        #expect(LogTime.parse(text) == nil)
        #expect(!LogTime.isAbsent(text))
    }

    @Test(arguments: [nil, "", "0"] as [String?]) func nothingIsNoLimit(text: String?) {
        #expect(LogTime.isAbsent(text))
        #expect(LogTime.parse(text) == nil)
    }
}
