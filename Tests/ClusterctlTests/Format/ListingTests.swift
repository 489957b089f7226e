import FoundationEssentials
import Testing

@testable import clusterctl

@Suite struct ListingTests {
    private static let object = JSONValue.object([
        "ID": .string("0123456789abcdef"), "Spec": .object(["Name": .string("web"), "Replicas": .integer(3)]),
        "On": .bool(true), "Ratio": .number(0.5), "Path": .string("/a/b"), "Nothing": .null,
        "Labels": .object([:]), "List": .array([]),
    ])
    private static let listing = Listing(
        ["ID": "ID", "NAME": "Name"],
        rows: [.init(cells: ["0123456789ab", "web\u{1b}[2J"], object: object, id: "0123456789abcdef")])

    private func text(_ format: String) throws -> String { try Self.listing.text(try OutputFormat(format)) }

    @Test func tablesAreAlignedAndHarmless() throws {
        #expect(try text("table") == "ID             NAME\n0123456789ab   web [2J\n")
        #expect(Self.listing.ids == "0123456789abcdef\n")
    }

    @Test func jsonIsWhatTheDaemonSaid() throws {
        let values = try JSONDecoder().decode([JSONValue].self, from: Data(try text("json").utf8))
        #expect(values == [Self.object])
        #expect(try text("json").contains("\"Path\" : \"/a/b\""))
        #expect(try text("json").contains("\"Labels\" : {},") && text("json").contains("\"List\" : [],"))
    }

    @Test(arguments: [
        ("{{.ID}}", "0123456789ab"), ("{{ .Name }}\\t{{.Spec.Replicas}}", "web\u{1b}[2J\t3"),
        ("{{json .Spec.Name}}", "\"web\""),
        ("a{{.On}}b{{.Ratio}}", "atrueb0.5"), ("{{json .Spec}}", "{\"Name\":\"web\",\"Replicas\":3}"),
        ("{{.Nothing}}", ""), ("{{.Spec.Missing.Deeper}}", ""),
    ])
    func templates(_ format: String, _ line: String) throws { #expect(try text(format) == line + "\n") }

    @Test(arguments: ["yaml", "{{.ID", "{{range .}}", "{{.Missing}}", "{{}}", "{{.ID.Deeper}}"])
    func wrongFormatsAreTold(_ format: String) {
        let error = #expect(throws: UsageError.self) { try text(format) }
        #expect(error?.message.hasPrefix("--format") == true)
    }
}
