import HTTP
import Model
import Platform

/// The tokens that there are.
enum TokenList: Command {
    static let syntax = Syntax(
        path: ["token", "ls"], summary: "The tokens, and what they allow",
        options: [.flag("quiet", short: "q", "print only ids")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let tokens = try await session.engine.fetch([Fetched<AccessTokenDetail>].self, ["tokens"])
        let listing = listing(tokens, now: session.now)
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    static func listing(_ tokens: [Fetched<AccessTokenDetail>], now: Timestamp) -> Listing {
        Listing(
            ["ID": "ID", "NAME": "Name", "CREATED": "CreatedAt", "EXPIRES": "ExpiresAt", "ALLOWS": "Allows"],
            rows: tokens.sorted { $0.value.name < $1.value.name }.map { token in
                let value = token.value
                let rules = value.policy.rules.map { rule in
                    rule.kind.rawValue + (rule.prefix.map { ":" + $0 } ?? "")
                        + (rule.labels.map { "[" + $0.joined(separator: " ") + "]" } ?? "") + " "
                        + rule.access.rawValue
                }
                return .init(
                    cells: [
                        value.id.shortened, value.name, DurationText.ago(value.createdAt, now: now),
                        value.expiresAt.map { $0 <= now ? "over" : "in " + DurationText.human($0 - now) } ?? "never",
                        rules.isEmpty ? "nothing" : rules.joined(separator: ", "),
                    ], object: token.raw, id: value.id)
            })
    }
}
