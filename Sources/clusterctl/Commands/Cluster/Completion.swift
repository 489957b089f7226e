/// Prints a shell's completion script.
enum Completion: Command {
    static let syntax = Syntax(
        path: ["completion"], summary: "Print a completion script: source <(clusterctl completion bash)",
        positionals: [.init("bash", "the shell")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        guard arguments.positionals == ["bash"] else {
            throw arguments.usage("there is a completion for bash only")
        }
        session.console.write(BashCompletion.script(CommandTree.syntaxes))
    }
}
