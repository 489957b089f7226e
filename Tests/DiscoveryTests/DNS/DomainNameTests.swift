import Testing

@testable import Discovery

struct DomainNameTests {
    @Test(arguments: [
        ("web", "web"), ("web.", "web"), ("tasks.Web.app", "tasks.Web.app"), (".", "."), (#"a\.b.c"#, #"a\.b.c"#),
        (#"a\098"#, "ab"), (#"sp\032ace"#, #"sp\032ace"#),
    ])
    func presentationFormRoundTrips(text: String, printed: String) throws {
        #expect(try DomainName(text).description == printed)
    }

    @Test(arguments: [
        ("", DNSFormatError.Reason.emptyLabel), ("..", .emptyLabel), (".web", .emptyLabel), ("a..b", .emptyLabel),
        (#"a\"#, .badEscape), (#"a\25"#, .badEscape), (#"a\256"#, .badEscape),
        (String(repeating: "x", count: 64), .labelTooLong),
        (Array(repeating: String(repeating: "x", count: 63), count: 4).joined(separator: "."), .nameTooLong),
    ])
    func refusesWhatIsNoName(text: String, reason: DNSFormatError.Reason) {
        #expect { try DomainName(text) } throws: { ($0 as? DNSFormatError)?.reason == reason }
    }

    @Test func longestNameFits() throws {
        let labels = Array(repeating: String(repeating: "x", count: 63), count: 3) + [String(repeating: "y", count: 61)]
        #expect(try DomainName(labels.joined(separator: ".")).wire.count == 255)
    }

    @Test func caseDoesNotCount() throws {
        let names: Set<DomainName> = [try DomainName("Web.APP"), try DomainName("web.app")]
        #expect(names.count == 1)
        #expect(try DomainName("[web") != DomainName("{web"))
    }

    @Test func partsOfANameAreFound() throws {
        let name = try DomainName("tasks.web.App")
        #expect(name.labelCount == 3)
        #expect(try name.parent == DomainName("web.app"))
        #expect(try name.isWithin(DomainName("app")))
        #expect(try !name.isWithin(DomainName("pp")))
        #expect(try name.removing(suffix: DomainName("app")) == DomainName("tasks.web"))
        #expect(try name.removing(suffix: DomainName("tasks.web.app")) == nil)
        #expect(name.isWithin(.root))
        #expect(DomainName.root.parent == nil)
    }
}
