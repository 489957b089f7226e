import Testing

@Suite struct BannedCallsTests {
    /// A piece of code that does not belong in `Sources`, and what to use instead.
    private struct Ban {
        var code: String
        var instead: String
        /// Path prefixes where it is right.
        var except: [String] = []
    }

    private static let bans = [
        Ban(
            code: "print(", instead: "Logger, or throw",
            except: ["Sources/clusterd/", "Sources/clusterctl/", "Sources/Platform/Terminal/"]),
        Ban(code: "debugPrint(", instead: "Logger"),
        Ban(code: "NSLog(", instead: "Logger"),
        Ban(code: "fatalError(", instead: "throw for input, preconditionFailure for a programmer's error"),
        Ban(code: "try!", instead: "throw, or handle the error"),
        Ban(code: "as!", instead: "as? and an error"),
        Ban(code: "DispatchQueue.global", instead: "EventLoop or runOnThread(named:)"),
        Ban(code: "Thread.sleep", instead: "EventLoop.schedule or Task.sleep"),
        Ban(code: "URLSession", instead: "HTTPClient, or libcurl for other people's servers"),
        Ban(code: "Process()", instead: "ChildProcess: Foundation's hangs on grandchildren"),
        Ban(code: "FileHandle.standard", instead: "Terminal, or write(2)", except: ["Sources/clusterctl/"]),
    ]

    /// Escapes from checked concurrency, each to be explained by a comment on its line or just above.
    private static let explained = ["@unchecked Sendable", "nonisolated(unsafe)", "Task {", "Task(", "Task.detached"]

    @Test func sourcesUseNothingBanned() {
        var wrong: [String] = []
        for file in Repository.sources {
            for ban in Self.bans where !ban.except.contains(where: { file.path.hasPrefix($0) }) {
                for (index, line) in file.code.enumerated() where contains(line, ban.code) {
                    wrong.append("\(file.path):\(index + 1): \(ban.code) is banned; use \(ban.instead)")
                }
            }
        }
        expectNone(wrong)
    }

    @Test func escapesAreExplained() {
        var wrong: [String] = []
        for file in Repository.sources {
            for word in Self.explained {
                for (index, line) in file.code.enumerated()
                where contains(line, word) && !file.isExplained(index + 1) {
                    wrong.append("\(file.path):\(index + 1): \(word) without a comment that says why it is right")
                }
            }
        }
        expectNone(wrong)
    }

    @Test func nothingIsLeftToDo() {
        let words = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
        var wrong: [String] = []
        for file in Repository.sources + Repository.tests {
            for (index, line) in file.lines.enumerated() {
                for word in words where contains(line, word) && !isInsideWord(line, word) {
                    wrong.append("\(file.path):\(index + 1): \(word)")
                }
            }
        }
        expectNone(wrong)
    }

    /// A reader that ends before its writer does kills it (SIGPIPE), and with `pipefail` the line fails, now and then.
    @Test func scriptsReadPipesToTheirEnd() {
        let folders = ["deploy/", "Tests/Stories/", "Tests/testbed/"]
        var wrong: [String] = []
        for (path, text) in Repository.texts where folders.contains(where: { path.hasPrefix($0) }) {
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            where line.contains(#/\| *(?:head\b|grep +-[A-Za-z]*[qm])/#) {
                wrong.append("\(path):\(index + 1): sed -n, or grep >/dev/null, reads all that comes")
            }
        }
        expectNone(wrong)
    }

    @Test func noPackageRegistryIsNamed() {
        let hosts = [
            "crates" + ".io", "pypi" + ".org", "npmjs" + ".", "rubygems" + ".org", "proxy.golang" + ".org",
            "packages." + "debian.org", "deb." + "debian.org", "swiftpackage" + "index",
        ]
        var wrong: [String] = []
        for (path, text) in Repository.texts {
            for host in hosts where text.contains(host) { wrong.append("\(path): names \(host)") }
        }
        expectNone(wrong)
    }

    /// Whether `code` stands in the line as a call or word of its own, not as the end of a longer name.
    private func contains(_ line: String, _ code: String) -> Bool {
        guard let range = line.firstRange(of: code) else { return false }
        guard range.lowerBound > line.startIndex else { return true }
        let before = line[line.index(before: range.lowerBound)]
        if before.isLetter || before.isNumber || before == "_" {
            return contains(String(line[range.upperBound...]), code)
        }
        return true
    }

    private func isInsideWord(_ line: String, _ word: String) -> Bool {
        guard let range = line.firstRange(of: word), range.upperBound < line.endIndex else { return false }
        return line[range.upperBound].isLetter || line[range.upperBound].isNumber
    }
}
