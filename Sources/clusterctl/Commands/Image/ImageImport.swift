import HTTP
import Model

/// Makes an image of one layer from a root file system.
enum ImageImport: Command {
    static let syntax = Syntax(
        path: ["image", "import"], summary: "Make an image from the tar of a root file system, on this node",
        positionals: [
            .init("FILE", "the tar, or - for standard input"), .init("NAME[:TAG]", "what to call the image"),
        ],
        options: [
            .repeated("change", short: "c", "INSTRUCTION", "of a Dockerfile, for its configuration: 'CMD [\"sh\"]'"),
            .value("message", short: "m", "TEXT", "for its history"),
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let reference = try ImageReference(arguments.positionals[1])
        let upload = try Upload(path: arguments.positionals[0])
        var query: [(String, String?)] = [
            ("fromSrc", "-"), ("repo", reference.repository), ("tag", reference.tag),
        ]
        if let message = arguments.value("message") { query.append(("message", message)) }
        query += arguments.values("change").map { ("changes", $0) }
        let response = try await session.engine.open(
            .post, ["images", "create"], query: query, headers: ["Content-Type": "application/x-tar"],
            body: upload.body(progress: session.console))
        try await ProgressMessages.print(response, to: session.console)
    }
}
