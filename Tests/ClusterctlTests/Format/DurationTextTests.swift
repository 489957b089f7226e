import Platform
import Testing

@testable import clusterctl

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            ("0", 0), ("500ms", 500_000_000), ("1m30s", 90_000_000_000), ("1.5h", 5_400_000_000_000),
            ("2d", 172_800_000_000_000),
            ("10us", 10_000), ("7ns", 7),
        ] as [(String, Int64)])
    func parses(_ text: String, _ nanoseconds: Int64) { #expect(DurationText.parse(text) == nanoseconds) }

    @Test(arguments: ["", "5", "s", "1x", "1m 30s", "-5s", "1..5s", "99999999999h", "١s", "1e9s", "nan", "infs"])
    func refuses(_ text: String) { #expect(DurationText.parse(text) == nil) }

    @Test(
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"),
            (119, "About a minute"),
            (180, "3 minutes"), (3600, "About an hour"), (7200, "2 hours"), (172_800, "2 days"), (1_209_600, "2 weeks"),
            (5_184_000, "2 months"), (63_072_000, "2 years"),
        ] as [(Int64, String)])
    func wordsLikeDocker(_ seconds: Int64, _ words: String) { #expect(DurationText.human(.seconds(seconds)) == words) }

    @Test func agesAndMeasures() {
        let now = Timestamp(seconds: 1000)
        #expect(DurationText.ago(Timestamp(seconds: 820), now: now) == "3 minutes ago")
        #expect(DurationText.ago(Timestamp(seconds: 2000), now: now) == "Less than a second ago")
        #expect(DurationText.ago(.zero, now: now) == "")
        #expect(DurationText.seconds(.milliseconds(1250)) == "1.2 s")
    }
}
