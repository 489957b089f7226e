import Foundation
import Testing

/// docs/scenarios.md says which test shows which row; the tests say it too.
@Suite struct ScenarioCoverageTests {
    private struct Row: Sendable, CustomTestStringConvertible {
        let number: Int
        let tests: [String]
        var testDescription: String { "row \(number)" }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()

    private static let rows: [Row] = {
        let page = folder.appending(path: "../../docs/scenarios.md").standardizedFileURL
        let text = (try? String(contentsOf: page, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4, let number = Int(cells[0]) else { return nil }
            let names = cells[3].split(separator: "`", omittingEmptySubsequences: false).map(String.init)
            // What stands between backquotes is a file, or a test of one in this folder: `RaftNodeTests.aMemberFails`.
            let files = stride(from: 1, to: names.count, by: 2).map { names[$0] }.map { name in
                name.hasSuffix(".swift") || name.contains("/") ? name : String(name.prefix { $0 != "." }) + ".swift"
            }
            return Row(number: number, tests: files)
        }
    }()

    @Test func allRowsAreThere() { #expect(Self.rows.map(\.number) == Array(1...19)) }

    @Test(arguments: rows) private func testsNameTheirRow(_ row: Row) throws {
        #expect(!row.tests.isEmpty)
        for test in row.tests {
            let path = (test.hasPrefix("Tests/") ? "../../" : "") + test
            let text = try String(contentsOf: Self.folder.appending(path: path), encoding: .utf8)
            // Also as one of several: "scenarios.md, Raft and storage, 9 (...), 14 (...)".
            let mentions = text.components(separatedBy: "Raft and storage, ").dropFirst().map { $0.prefix(400) }
            let name = try Regex("(^|[^0-9])\(row.number)([^0-9]|$)")
            #expect(
                try mentions.contains { try name.firstMatch(in: $0) != nil }, "\(test) does not name row \(row.number)")
        }
    }
}
