import HTTP
import Model

/// Brings images onto the node that is asked.
enum ImageLoad: Command {
    static let syntax = Syntax(
        path: ["image", "load"], summary: "Load images from a tar, as 'docker save' writes it, onto this node",
        options: [
            .required("input", short: "i", "FILE", "the tar, or - for standard input; compressed ones are understood"),
            .flag("quiet", short: "q", "no progress"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let upload = try Upload(path: arguments.value("input") ?? "-")
        let response = try await session.engine.open(
            .post, ["images", "load"], query: [("quiet", "1")], headers: ["Content-Type": "application/x-tar"],
            body: upload.body(progress: arguments.flag("quiet") ? nil : session.console))
        try await ProgressMessages.print(response, to: session.console)
    }
}
