import HTTP
import Model
import Platform

/// The images of the node that is asked.
enum ImageList: Command {
    static let syntax = Syntax(
        path: ["image", "ls"], summary: "The images on this node",
        options: [.flag("no-trunc", "whole ids"), .flag("quiet", short: "q", "print only ids")])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let images = try await session.engine.fetch([Fetched<ImageSummary>].self, ["images", "json"])
        let listing = listing(images, now: session.now, isTruncated: !arguments.flag("no-trunc"))
        if arguments.flag("quiet") { session.console.write(listing.ids) } else { try session.show(listing) }
    }

    static func listing(_ images: [Fetched<ImageSummary>], now: Timestamp, isTruncated: Bool) -> Listing {
        var listing = Listing([
            "REPOSITORY": "Repository", "TAG": "Tag", "IMAGE ID": "ID", "CREATED": "CreatedSince", "SIZE": "Size",
        ])
        for image in images {
            let value = image.value
            let names = value.tags.isEmpty ? ["<none>:<none>"] : value.tags
            for name in names.sorted() {
                let colon = name.lastIndex(of: ":") ?? name.endIndex
                listing.rows.append(
                    .init(
                        cells: [
                            String(name[..<colon]), String(name[colon...].dropFirst()),
                            isTruncated ? value.id.shortened : value.id,
                            value.created > 0 ? DurationText.ago(Timestamp(seconds: value.created), now: now) : "",
                            ByteSize.decimal(value.size),
                        ], object: image.raw, id: isTruncated ? value.id.shortened : value.id))
            }
        }
        listing.rows.sort { $0.cells.lexicographicallyPrecedes($1.cells) }
        return listing
    }
}

/// One element of `GET /images/json`.
struct ImageSummary: Decodable, Sendable {
    var id: String
    var tags: [String]
    /// Seconds since 1970.
    var created: Int64
    var size: Int64

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case tags = "RepoTags"
        case created = "Created"
        case size = "Size"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(String.self, forKey: .id)
        tags = try container.decodeIfPresent([String].self, forKey: .tags) ?? []
        created = try container.decodeIfPresent(Int64.self, forKey: .created) ?? 0
        size = try container.decodeIfPresent(Int64.self, forKey: .size) ?? 0
    }
}
