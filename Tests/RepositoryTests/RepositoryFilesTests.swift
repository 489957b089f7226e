import Foundation
import Testing

@Suite struct RepositoryFilesTests {
    @Test(arguments: [
        "README.md", "CONTRIBUTING.md", "LICENSE", "Makefile", ".swift-format", ".ci/run",
        "deploy/install-dependencies",
        "docs/architecture.md", "docs/decisions/0000-template.md",
    ])
    func exists(_ path: String) throws {
        #expect(try !Repository.text(path).isEmpty)
    }

    @Test(arguments: [".ci/run", "Tests/run", "deploy/install-dependencies"])
    func isExecutable(_ path: String) {
        #expect(FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: path).path))
    }

    /// A decision is numbered once, and its file begins with its number.
    @Test func decisionsAreNumbered() throws {
        let folder = Repository.root.appending(path: "docs/decisions").path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".md") }
        let numbers = names.map { String($0.prefix(4)) }
        #expect(Set(numbers).count == numbers.count, "\(names.sorted())")
        for name in names where name != "0000-template.md" {
            let first = try Repository.text("docs/decisions/\(name)").prefix { $0 != "\n" }
            #expect(first.hasPrefix("# \(name.prefix(4)): "), "\(name) begins with: \(first)")
        }
    }

    /// README and CONTRIBUTING name only make targets that exist.
    @Test(arguments: ["README.md", "CONTRIBUTING.md"])
    func makeTargetsExist(_ path: String) throws {
        let makefile = try Repository.text("Makefile")
        let words = try Repository.text(path).matches(of: #/`make ([a-z-]+)/#).map { String($0.1) }
        for word in Set(words) { #expect(makefile.contains("\n\(word):"), "make \(word)") }
    }
}
