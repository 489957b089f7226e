import Foundation

/// One Swift file of the tree, as text and as code without comments and the insides of string literals.
struct SourceFile: Sendable {
    /// Relative to the repository's root: `Sources/Raft/Core.swift`.
    let path: String
    let lines: [String]
    /// The same lines with comments and string contents blanked, so that words in them are not taken for code.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        self.code = CodeScanner.blank(text).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// `Sources` or `Tests`.
    var area: Substring { path.prefix { $0 != "/" } }

    /// The floor a file belongs to: the folder below `Sources` or `Tests`.
    var floor: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    /// Modules the file imports, each with its line number from 1.
    var imports: [(module: String, line: Int)] {
        code.enumerated().compactMap { index, line in
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
            while let first = words.first, first.hasPrefix("@") || Self.importModifiers.contains(first) {
                words.removeFirst()
            }
            guard words.count >= 2, words[0] == "import" else { return nil }
            let named = Self.importKinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            return (String(named.prefix { $0 != "." }), index + 1)
        }
    }

    /// Whether a comment on the line itself or closely above it explains the line (from 1).
    func isExplained(_ line: Int) -> Bool {
        let last = line - 1
        let first = max(0, last - Limits.explanationReach)
        return lines[first...last].contains { $0.contains("//") }
    }

    private static let importModifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    private static let importKinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "func", "var", "typealias",
    ]
}
