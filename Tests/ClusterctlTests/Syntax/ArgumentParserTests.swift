import Testing

@testable import clusterctl

@Suite struct ArgumentParserTests {
    private static let syntax = Syntax(
        path: ["thing", "do"], summary: "Do it",
        positionals: [.init("NAME", "which"), .init("REST", "others", .any)],
        options: [
            .required("image", short: "i", "IMAGE", "what"), .repeated("env", short: "e", "KEY=VALUE", "with"),
            .value("count", "N", "how many"), .flag("force", short: "f", "really"), .flag("all", short: "a", "all"),
        ], trailing: "COMMAND ARG...")

    private func parse(_ line: String) throws(UsageError) -> Arguments {
        try ArgumentParser.parse(line.split(separator: " ").map(String.init), for: Self.syntax)
    }

    @Test func sortsWords() throws {
        let arguments = try parse(
            "web --image=a:1 -e A=1 --env B=2=3 other -fa --host tcp://10.0.0.1:1 -- sh -c --image x")
        #expect(arguments.positionals == ["web", "other"])
        #expect(arguments.value("image") == "a:1")
        #expect(arguments.values("env") == ["A=1", "B=2=3"])
        #expect(arguments.flag("force") && arguments.flag("all"))
        #expect(arguments.value("host") == "tcp://10.0.0.1:1")
        #expect(arguments.trailing == ["sh", "-c", "--image", "x"])
    }

    @Test func flagsCanBeTakenBack() throws {
        #expect(try !parse("web -i x --force --force=false").flag("force"))
        #expect(try parse("web -i x --force=true").flag("force"))
    }

    @Test func aLoneDashIsAnArgument() throws {
        #expect(try parse("- -i x").positionals == ["-"])
    }

    @Test(arguments: [
        ("web", "--image IMAGE is missing"), ("-i x", "NAME is missing"), ("", "NAME is missing"),
        ("web -i", "-i wants a value"),
        ("web -i x --imge y", "did you mean --image"), ("web -i x --force=maybe", "is a flag"),
        ("web -i x -z", "unknown option -z"),
        ("web -i x --image y", "given twice"), ("web -if x", "-i wants a value"),
    ])
    func saysWhatIsWrong(_ line: String, _ message: String) {
        let error = #expect(throws: UsageError.self) { try parse(line) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.description.contains("clusterctl thing do --help") == true)
    }

    @Test func surplusArgumentsAreNamed() {
        let syntax = Syntax(path: ["a"], summary: "", positionals: [.init("X", "")], trailing: "COMMAND")
        let error = #expect(throws: UsageError.self) { try ArgumentParser.parse(["x", "y"], for: syntax) }
        #expect(error?.message == "unexpected argument 'y'; the container's own command goes behind '--'")
        let closed = Syntax(path: ["a"], summary: "")
        #expect(throws: UsageError.self) { try ArgumentParser.parse(["--", "y"], for: closed) }
    }

    /// A value may look like an option: `kv put k -- -1`.
    @Test func behindTwoDashesNothingIsAnOption() throws {
        let syntax = Syntax(
            path: ["a"], summary: "", positionals: [.init("X", ""), .init("Y", "", .optional)],
            options: [.flag("force", short: "f", "")])
        let arguments = try ArgumentParser.parse(["-f", "x", "--", "--force"], for: syntax)
        #expect(arguments.positionals == ["x", "--force"] && arguments.flag("force"))
        #expect(try ArgumentParser.parse(["--", "-f"], for: syntax).positionals == ["-f"])
        #expect(try !ArgumentParser.parse(["x", "--"], for: syntax).flag("force"))
        #expect(throws: UsageError.self) { try ArgumentParser.parse(["x", "y", "--", "z"], for: syntax) }
    }

    @Test func helpNeedsNothingElse() throws {
        #expect(try parse("--help").flag("help"))
        #expect(try parse("-h").flag("help"))
    }

    @Test func readersSayWhichOptionIsWrong() throws {
        var arguments = Arguments(path: ["x"])
        arguments.values = ["n": ["11"], "d": ["1 m"], "b": ["lots"], "c": ["-1"], "w": ["sometimes"], "p": ["=x"]]
        #expect(throws: UsageError("--n '11': wanted is a whole number, 0 to 10", path: ["x"])) {
            try arguments.integer("n", in: 0...10)
        }
        #expect(throws: UsageError.self) { try arguments.nanoseconds("d") }
        #expect(throws: UsageError.self) { try arguments.bytes("b") }
        #expect(throws: UsageError.self) { try arguments.nanoCPUs("c") }
        #expect(throws: UsageError.self) { try arguments.choice("w", of: ["always", "never"]) }
        #expect(throws: UsageError.self) { try arguments.pairs("p") }
        #expect(try arguments.integer("missing", in: 0...1) == nil)
    }
}
