import Testing

@testable import Compose

struct YAMLDocumentTests {
    static func failure(_ text: String, _ limits: YAMLDocument.Limits = .init()) -> YAMLError? {
        do {
            _ = try YAMLDocument(text, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    @Test func aComposeFileIsRead() throws {
        let document = try YAMLDocument(
            """
            # A stack.
            x-common: &common
              restart: always
              environment: {LEVEL: info, DEBUG: "1"}
            services:
              web:
                <<: *common
                image: "web:1"
                ports: ["8080:80", 9090]
                environment:
                  LEVEL: debug
                command: >-
                  run
                  fast
              db:
                <<: [{image: db, restart: no}, *common]
                init: true
                mode: 0440
            """)
        let web = try #require(document.root["services"]?["web"])
        #expect(web.mapping?.map(\.key.text) == ["image", "ports", "environment", "command", "restart"])
        #expect(web["image"]?.string == "web:1")
        #expect(web["restart"]?.string == "always")
        #expect(web["environment"]?["LEVEL"]?.string == "debug")
        #expect(web["environment"]?["DEBUG"] == nil)
        #expect(web["command"]?.string == "run fast")
        #expect(web["ports"]?.sequence?.map(\.text) == ["8080:80", "9090"])
        #expect(web["ports"]?.sequence?[1].integer == 9_090)
        let db = try #require(document.root["services"]?["db"])
        #expect(db["restart"]?.text == "no")
        #expect(db["environment"]?["LEVEL"]?.string == "info")
        #expect(db["init"]?.boolean == true)
        #expect(db["mode"]?.integer == 288)
        #expect(web.mark == YAMLMark(line: 7, column: 5))
    }

    @Test func emptyTextsAreNull() throws {
        for text in ["", "   \n", "# only a comment", "---", "--- ~\n..."] {
            #expect(try YAMLDocument(text).root.isNull)
        }
    }

    @Test func anExplicitTagIsKept() throws {
        let document = try YAMLDocument("a: !reset null\nb: !!str 5\nc: !override [1]")
        #expect(document.root["a"]?.tag == "!reset")
        #expect(document.root["b"]?.string == "5")
        #expect(document.root["c"]?.tag == "!override")
    }

    @Test(arguments: [
        ("a: 1\na: 2", YAMLError.Code.duplicateKey, 2, 1), ("a: *b", .unknownAlias, 1, 4),
        ("a: &a [*a]", .recursiveAlias, 1, 8), ("<<: 5", .badMerge, 1, 5), ("<<: [{a: 1}, 5]", .badMerge, 1, 5),
        ("a: 1\n---\nb: 2", .severalDocuments, 2, 1), ("a: [1, 2", .syntax, 2, 1), ("a:\n\t- b", .syntax, 2, 1),
        ("a: !!int x", .badScalar, 1, 4), ("a: 'b", .syntax, 1, 6), ("- a\nb: c", .syntax, 2, 1),
    ])
    func errorsSayWhere(text: String, code: YAMLError.Code, line: Int, column: Int) throws {
        let error = try #require(Self.failure(text))
        #expect(error.code == code)
        #expect(error.mark == YAMLMark(line: line, column: column), "\(error)")
    }

    @Test func depthIsLimited() {
        let limit = YAMLDocument.Limits().depth
        #expect(Self.failure(String(repeating: "[", count: limit) + String(repeating: "]", count: limit)) == nil)
        let deep = String(repeating: "[", count: limit + 1) + String(repeating: "]", count: limit + 1)
        #expect(Self.failure(deep)?.code == .limit)
        #expect(Self.failure(String(repeating: "[", count: 200_000))?.code == .limit)
        #expect(Self.failure(String(repeating: "- ", count: 2_000) + "x")?.code == .limit)
    }

    @Test func aliasesThatMultiplyAreLimited() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        #expect(Self.failure(text)?.code == .limit)
        var merges = "m0: &m0 {k: v}\n"
        for level in 1...30 {
            merges += "m\(level): &m\(level)\n  <<: [*m\(level - 1), *m\(level - 1)]\n"
        }
        #expect(Self.failure(merges)?.code == .limit)
    }

    @Test func lengthIsLimited() {
        var limits = YAMLDocument.Limits()
        limits.bytes = 10
        #expect(Self.failure("a: 12345678", limits)?.code == .limit)
        #expect(Self.failure("a: 1", limits) == nil)
    }

    @Test func anAnchorNamesTheLatest() throws {
        let document = try YAMLDocument("- &a 1\n- *a\n- &a 2\n- *a")
        #expect(document.root.sequence?.map(\.integer) == [1, 1, 2, 2])
    }

    @Test(arguments: 0..<8)
    func garbageNeverTraps(seed: UInt64) {
        let pieces = [
            "a", "key", ": ", ":", "- ", "\n", "\n  ", "[", "]", "{", "}", ",", "&x ", "*x", "<<: ", "!!int ", "!t ",
            "|\n",
            ">-\n", "'", "\"", "\\u0000", "#", "---\n", "...\n", "%YAML 1.1\n", "\t", "?", "ü", "\u{FEFF}", "0x", "1e9",
            "~", "@", "`", "\u{0}",
        ]
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: Int) -> Int {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return Int(truncatingIfNeeded: state >> 33) % bound
        }
        var readable = 0
        for _ in 0..<3_000 {
            var bytes: [UInt8] = []
            for _ in 0..<next(30) { bytes += Array(pieces[next(pieces.count)].utf8) }
            if next(3) == 0 { bytes.append(UInt8(truncatingIfNeeded: next(256))) }
            if (try? YAMLDocument(bytes)) != nil { readable += 1 }
        }
        #expect(readable > 0)
    }
}
