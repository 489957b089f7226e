import Foundation
import Testing

/// A text file that reads like a story: a line is something that happens, the indented lines below are what must follow.
/// Empty lines and those that begin with `#` are the storyteller's.
struct Scenario: Sendable, CustomTestStringConvertible {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Scenarios")

    static let all: [Scenario] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".txt") }.sorted().map { Scenario(name: String($0.dropLast(4))) }
    }()

    static let verbs: [any Verb.Type] = [
        Members.self, StartingLog.self, StartingTerm.self, Setting.self, Campaign.self, Deliver.self, Settle.self,
        Pass.self,
        Propose.self, Read.self, Lose.self, Isolate.self, Hold.self, Release.self, Heal.self, Crash.self,
        Restart.self, Pause.self, Resume.self, Stall.self, Sync.self, Snapshot.self, Snapshotting.self, Forget.self,
        Hand.self, Change.self, Show.self,
    ]

    let name: String

    var testDescription: String { name }

    var url: URL { Self.folder.appending(path: name + ".txt") }

    /// The file's lines, with what did follow instead of what should have.
    func play(_ text: String) -> [String] {
        let stage = Stage()
        var lines: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("    ") { continue }
            lines.append(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            do { try Self.act(line, on: stage) } catch { stage.tell("refused: \(error)") }
            lines += stage.takeTold().map { "    " + $0 }
        }
        return lines
    }

    private static func act(_ line: String, on stage: Stage) throws {
        var words = Words(line)
        let word = try words.take("a verb")
        guard let verb = verbs.first(where: { $0.word == word }) else { throw ScenarioError("no verb '\(word)'") }
        try verb.act(&words, on: stage)
        try words.end()
    }
}
