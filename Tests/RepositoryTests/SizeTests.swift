import Testing

@Suite struct SizeTests {
    @Test func filesAreShort() {
        var wrong: [String] = []
        for file in Repository.sources + Repository.tests where Limits.longFiles[file.path] == nil {
            let count = file.lines.count - 1
            if count > Limits.fileLines { wrong.append("\(file.path): \(count) lines, at most \(Limits.fileLines)") }
        }
        expectNone(wrong)
    }

    @Test func functionsAreShort() {
        var wrong: [String] = []
        for file in Repository.sources + Repository.tests {
            for function in FunctionScanner.functions(in: file) where function.length > Limits.functionLines {
                if Limits.longFunctions["\(file.path):\(function.name)"] != nil { continue }
                wrong.append(
                    "\(file.path):\(function.line): \(function.name) has \(function.length) lines, "
                        + "at most \(Limits.functionLines)")
            }
        }
        expectNone(wrong)
    }

    @Test func exceptionsAreStillNeeded() {
        let files = Repository.sources + Repository.tests
        for path in Limits.longFiles.keys {
            #expect(files.contains { $0.path == path && $0.lines.count - 1 > Limits.fileLines }, "\(path)")
        }
        for (key, _) in Limits.longFunctions {
            let isLong = files.contains { file in
                FunctionScanner.functions(in: file)
                    .contains { "\(file.path):\($0.name)" == key && $0.length > Limits.functionLines }
            }
            #expect(isLong, "\(key)")
        }
    }

    @Test func measuresFunctions() {
        let file = SourceFile(
            path: "Sources/Raft/Core.swift",
            text: """
                struct Core {
                    init(_ done: () -> Void = {}) {
                        self.a = "}"
                    }
                    public static func step(
                        _ input: Input
                    ) -> [Effect] {
                        func inner() { run { } }
                        return []  // }
                    }
                    func one() {}
                }
                protocol P { func bare() }
                """)
        #expect(
            FunctionScanner.functions(in: file) == [
                .init(name: "init", line: 2, length: 3), .init(name: "inner", line: 8, length: 1),
                .init(name: "step", line: 5, length: 6), .init(name: "one", line: 11, length: 1),
            ])
    }
}
