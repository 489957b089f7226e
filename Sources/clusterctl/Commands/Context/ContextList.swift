/// The clusters that have a name here.
enum ContextList: Command {
    static let syntax = Syntax(
        path: ["context", "ls"], summary: "The clusters that have a name here; * is the one in use",
        options: [.flag("quiet", short: "q", "print only names")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let contexts = try Contexts.load(session.environment)
        var all = contexts.contexts
        all[Contexts.local] = .init(host: Endpoint.defaultHost)
        let listing = Listing(
            ["NAME": "Name", "HOST": "Host", "TLS": "TLS"],
            rows: all.sorted { $0.key < $1.key }.map { name, context in
                .init(
                    cells: [name, context.host, context.tls?.certificate ?? context.tls?.authority ?? ""],
                    object: .object([
                        "Name": .string(name), "Host": .string(context.host),
                        "Current": .bool(name == contexts.current ?? Contexts.local),
                    ]), id: name, mark: name == contexts.current ?? Contexts.local ? " *" : "")
            })
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }
}
