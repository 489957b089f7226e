import Foundation
import Testing

/// Plays every file of `Scenarios`. `REWRITE_SCENARIOS=1` writes what happens into them, for the writer to judge.
@Suite struct ScenarioTests {
    static let rewrites = ProcessInfo.processInfo.environment["REWRITE_SCENARIOS"] == "1"

    @Test(arguments: Scenario.all) func goesAsTold(_ scenario: Scenario) throws {
        let text = try String(contentsOf: scenario.url, encoding: .utf8)
        let expected = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let found = scenario.play(text)
        if Self.rewrites {
            try found.joined(separator: "\n").write(to: scenario.url, atomically: true, encoding: .utf8)
        } else if let line = (0..<max(expected.count, found.count)).first(where: {
            $0 >= expected.count || $0 >= found.count || expected[$0] != found[$0]
        }) {
            Issue.record(
                """
                \(scenario.name).txt, line \(line + 1)
                should be: \(line < expected.count ? expected[line] : "the end")
                is:        \(line < found.count ? found[line] : "the end")
                """)
        }
    }

    @Test func theyAreFound() { #expect(Scenario.all.count > 10) }

    @Test(arguments: [
        ("sing", "no verb 'sing'"), ("pass soon", "a time looks like 300ms, not 'soon'"),
        ("members 1 2\ncampaign", "a member is missing"), ("members 1 2\ncampaign 1 2", "'2' is not understood here"),
        ("members 1\npropose 7 x", "there is no member 7"),
    ]) func whatNobodyUnderstandsIsSaid(_ text: String, _ complaint: String) {
        #expect(Scenario(name: "none").play(text).last == "    refused: \(complaint)")
    }
}
