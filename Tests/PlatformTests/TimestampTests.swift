import Platform
import Testing

@Suite struct TimestampTests {
    @Test func writesAsDockerDoes() {
        #expect(Timestamp.zero.description == "0001-01-01T00:00:00Z")
        #expect(Timestamp(seconds: 0).description == "1970-01-01T00:00:00Z")
        #expect(Timestamp(seconds: 1_709_210_096, nanoseconds: 120_000_000).description == "2024-02-29T12:34:56.12Z")
        #expect(Timestamp(seconds: 1, nanoseconds: 5).description == "1970-01-01T00:00:01.000000005Z")
        #expect(Timestamp(seconds: 1, nanoseconds: 5_000).fixedWidth == "1970-01-01T00:00:01.000005000Z")
        #expect(Timestamp(seconds: 1, nanoseconds: -1).description == "1970-01-01T00:00:00.999999999Z")
    }

    @Test func readsWithOffsets() {
        #expect(Timestamp("1970-01-01T01:00:00+01:00") == Timestamp(seconds: 0))
        #expect(Timestamp("1969-12-31t23:00:00-01:00") == Timestamp(seconds: 0))
        #expect(Timestamp("2024-02-29T12:34:56.12Z") == Timestamp(seconds: 1_709_210_096, nanoseconds: 120_000_000))
        #expect(Timestamp("1970-01-01T00:00:00.1234567899Z") == Timestamp(seconds: 0, nanoseconds: 123_456_789))
    }

    @Test(arguments: [
        "", "x", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01", "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:00", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00Zx", "2024-01-01T00:00:00+0100",
    ])
    func refuses(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test func everyDayThereAndBack() {
        for day in stride(from: Int64(-719_162), through: 200_000, by: 61) {
            let time = Timestamp(seconds: day * 86_400 + 86_399, nanoseconds: 1)
            #expect(Timestamp(time.description) == time)
        }
    }

    @Test func arithmetic() {
        let time = Timestamp(seconds: 10, nanoseconds: 900_000_000)
        #expect(time + .milliseconds(200) == Timestamp(seconds: 11, nanoseconds: 100_000_000))
        #expect(time - Timestamp(seconds: 9) == .milliseconds(1900))
        #expect(time > Timestamp(seconds: 10))
    }
}
