import Platform
import TestSupport
import Testing

@testable import clusterctl

@Suite struct BashCompletionTests {
    @Test(
        .enabled(if: Probe.hasProgram("bash")),
        arguments: [
            ("clusterctl serv", "service"), ("clusterctl service dep", "deploy"),
            ("clusterctl service deploy --repl", "--replicas"),
            ("clusterctl --host unix:///x node dr", "drain"), ("clusterctl init --adv", "--advertise-addr"),
        ])
    func completes(_ line: String, _ expected: String) async throws {
        let directory = try TemporaryDirectory()
        let script = directory.file("completion")
        try Files.write(script, Array(BashCompletion.script(CommandTree.syntaxes).utf8))
        let loop = try EventLoop(name: "completion")
        let ask = """
            . \(script); COMP_WORDS=(\(line)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _clusterctl; echo "${COMPREPLY[@]}"
            """
        let output = try await ChildProcess.run(
            .init(Probe.program("bash") ?? "bash", ["-c", ask]), timeout: .seconds(20), loop: loop)
        #expect(String(decoding: output.stdout, as: UTF8.self) == expected + "\n")
        #expect(output.stderr.isEmpty)
    }
}
