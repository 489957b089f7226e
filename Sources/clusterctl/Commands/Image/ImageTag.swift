import HTTP

/// Gives an image another name.
enum ImageTag: Command {
    static let syntax = Syntax(
        path: ["image", "tag"], summary: "Give an image another name",
        positionals: [.init("IMAGE", "id or name"), .init("NAME[:TAG]", "the other name")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let reference = try ImageReference(arguments.positionals[1])
        try await session.engine.call(
            .post, ["images", arguments.positionals[0], "tag"],
            query: [("repo", reference.repository), ("tag", reference.tag)])
    }
}
