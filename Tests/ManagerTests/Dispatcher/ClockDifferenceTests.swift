import Platform
import Testing

@testable import Manager

@Suite struct ClockDifferenceTests {
    @Test(
        arguments: [
            (0, nil), (59, nil), (-59, nil), (60, "about 1 minute ahead of"), (-3000, "about 50 minutes behind"),
            (7000, "about 2 hours ahead of"), (-86_390, "about 24 hours behind"), (86_400 * 2, "about 2 days ahead of"),
            (Int(Int32.max), "about 24855 days ahead of"),
        ] as [(Int, String?)])
    func saysHowFarRoughly(seconds: Int, words: String?) {
        let difference = ClockDifference(of: start + .seconds(seconds), from: start)
        #expect(difference?.text == words.map { "its clock is \($0) the leader's" })
    }

    @Test func doesNotChangeWithEveryBeat() {
        #expect(
            ClockDifference(of: start + .seconds(86_390), from: start)
                == ClockDifference(of: start + .seconds(86_410), from: start))
    }
}
