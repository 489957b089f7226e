import Testing

@Suite struct DocumentationTests {
    private static let documented: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "func"]

    /// What the standard library's protocols ask for: the comment is theirs.
    private static let requirements: Set<String> = [
        "encode", "hash", "makeIterator", "makeAsyncIterator", "next", "checkIsolated", "isIsolatingCurrentContext",
        "enqueue",
    ]

    @Test func publicTypesAndFunctionsAreDocumented() {
        let missing = Repository.sources.flatMap { undocumented(in: $0) }
        if missing.count > Limits.undocumented { expectNone(missing) }
    }

    private func undocumented(in file: SourceFile) -> [String] {
        file.code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard words.first == "public", let kind = words.first(where: { Self.documented.contains($0) }),
                let name = words[words.firstIndex(of: kind)!...].dropFirst().first
            else { return nil }
            let base = String(name.prefix { $0 != "(" && $0 != "<" })
            if kind == "func", base.first?.isLetter != true || Self.requirements.contains(base) { return nil }
            return isDocumented(file, index) || isOverload(base, file, index)
                ? nil : "\(file.path):\(index + 1): public \(kind) \(name) has no ///"
        }
    }

    /// Whether the line above declares a function of the same name: one comment speaks for both.
    private func isOverload(_ name: String, _ file: SourceFile, _ index: Int) -> Bool {
        guard index > 0, file.code[index - 1].contains(" func \(name)") else { return false }
        return isDocumented(file, index - 1) || isOverload(name, file, index - 1)
    }

    /// Whether `///` stands above, with attributes between at most.
    private func isDocumented(_ file: SourceFile, _ index: Int) -> Bool {
        var above = index - 1
        while above >= 0 {
            let line = file.lines[above].drop { $0 == " " }
            if line.hasPrefix("///") { return true }
            guard line.hasPrefix("@") || line.hasPrefix("#if") else { return false }
            above -= 1
        }
        return false
    }
}
