import Testing

@testable import clusterctl

@Suite struct CommandTreeTests {
    private func path(_ line: String) throws -> ([String], [String]) {
        guard case .run(let command, let rest) = try CommandTree.resolve(line.split(separator: " ").map(String.init))
        else {
            return ([], [])
        }
        return (command.syntax.path, rest)
    }

    private func help(_ line: String) throws -> String {
        guard case .help(let text) = try CommandTree.resolve(line.split(separator: " ").map(String.init)) else {
            return ""
        }
        return text
    }

    @Test func findsCommands() throws {
        #expect(try path("service ls -q") == (["service", "ls"], ["-q"]))
        #expect(try path("--host unix:///x service ps web") == (["service", "ps"], ["--host", "unix:///x", "web"]))
        #expect(try path("-H unix:///x --format json status") == (["status"], ["-H", "unix:///x", "--format", "json"]))
        #expect(try path("init --advertise-addr 1.2.3.4") == (["init"], ["--advertise-addr", "1.2.3.4"]))
    }

    @Test func helpIsFoundWhereverItIsAsked() throws {
        #expect(try help("").contains("Usage: clusterctl"))
        #expect(try help("--help").contains("Nouns and their verbs"))
        #expect(try help("service").contains("deploy"))
        #expect(try help("service --help").contains("rollback"))
        #expect(
            try help("help service deploy").hasPrefix("Usage: clusterctl service deploy NAME --image IMAGE [OPTIONS]"))
        #expect(try help("help init").hasPrefix("Usage: clusterctl init"))
        #expect(try help("--help node ls").hasPrefix("Usage: clusterctl node ls"))
    }

    @Test(arguments: [
        ("servce ls", "did you mean 'service'"), ("service depoly", "did you mean 'deploy'"),
        ("nodes", "did you mean 'node'"),
        ("frobnicate", "'clusterctl frobnicate' is no command"), ("help frobnicate", "is no command"),
        ("--fromat json", "did you mean --format"),
    ])
    func mistypedWordsAreTold(_ line: String, _ message: String) {
        let error = #expect(throws: UsageError.self) {
            try CommandTree.resolve(line.split(separator: " ").map(String.init))
        }
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }

    @Test(arguments: CommandTree.syntaxes)
    func everyCommandExplainsItself(_ syntax: Syntax) {
        let help = HelpText.command(syntax)
        #expect(help.hasPrefix("Usage: clusterctl \(syntax.path.joined(separator: " "))"))
        #expect(!syntax.summary.isEmpty && !syntax.summary.hasSuffix("."))
        let options = syntax.options + Syntax.globals
        #expect(Set(options.map(\.name)).count == options.count, "two options of one name")
        let shorts = options.compactMap(\.short)
        #expect(Set(shorts).count == shorts.count, "two options of one letter")
        for line in help.split(separator: "\n") where !line.hasPrefix(" ") && !line.hasPrefix("Usage:") {
            #expect(line.count <= 80, "wider than a terminal: \(line)")
        }
        for option in options { #expect(!option.help.isEmpty && help.contains("--\(option.name)")) }
    }

    @Test func commandsAreUnique() {
        let paths = CommandTree.syntaxes.map { $0.path.joined(separator: " ") }
        #expect(Set(paths).count == paths.count)
    }

    @Test func suggestionsAreNear() {
        #expect(Suggestion.distance("deploy", "depoly") == 1)
        #expect(Suggestion.distance("", "abc") == 3)
        #expect(Suggestion.nearest(to: "xyz", among: ["ls", "rm"]) == nil)
        #expect(Suggestion.nearest(to: "insp", among: ["ls", "inspect"]) == "inspect")
        #expect(Suggestion.nearest(to: String(repeating: "x", count: 1000), among: ["ls"]) == nil)
    }
}
