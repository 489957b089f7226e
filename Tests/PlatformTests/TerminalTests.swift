import Synchronization
import Testing

@testable import Platform

@Suite struct TerminalTests {
    @Test func tablesAlignAndFit() {
        var table = Table([.init("ID", isWhole: true), .init("NAME"), .init("REPLICAS", isRightAligned: true)])
        table.add(["0123456789", "web", "3/3"])
        table.add(["abcdefghij", "a-very-long-name-that-goes-on", "10/10", "surplus"])
        table.add(["x"])
        #expect(
            table.render() == """
                ID           NAME                            REPLICAS
                0123456789   web                                  3/3
                abcdefghij   a-very-long-name-that-goes-on      10/10
                x

                """)
        let narrow = table.render(width: 36)
        #expect(narrow.split(separator: "\n").allSatisfy { $0.count <= 36 })
        #expect(narrow.contains("abcdefghij   a-very-long-n…    10/10"))
        #expect(!table.render(hasHeadings: false).contains("NAME"))
    }

    @Test func tablesGiveUpWhatSaysNothingFirst() {
        var table = Table([.init("ID", isWhole: true), .init("CURRENT STATE"), .init("ERROR"), .init("NAME")])
        table.add(["0123456789", "Running", "", "a-long-name"])
        #expect(table.render(width: 60).contains("ERROR"))
        #expect(
            table.render(width: 34) == "ID           CURREN…   NAME\n0123456789   Running   a-long-name\n")
        #expect(Table(["A", "B"]).render(width: 2).hasPrefix("A"))
    }

    @Test func widthsAndControls() {
        #expect(Terminal.columns("größe") == 5)
        #expect(Terminal.columns("日本") == 4)
        #expect(Terminal.truncated("日本語", to: 4) == "日…")
        #expect(Terminal.harmless("a\u{1b}[2Jb\n") == "a [2Jb ")
        #expect(!Terminal.isInteractive(-1))
        #expect(Terminal.width(-1) == nil)
    }

    @Test func progressRewritesOnlyTerminals() {
        let written = Mutex("")
        let plain = Progress(isInteractive: false, width: 20) { text in written.withLock { $0 += text } }
        plain.show(["a: 0/3", "b"])
        plain.show(["a: 1/3", "b"])
        plain.show(["a: 1/3", "b"])
        plain.clear()
        #expect(written.withLock { $0 } == "a: 0/3\nb\na: 1/3\n")
        written.withLock { $0 = "" }
        let live = Progress(isInteractive: true, width: 6) { text in written.withLock { $0 += text } }
        live.show(["working", "b"])
        live.show(["done"])
        live.finish()
        live.show(["next"])
        live.clear()
        #expect(
            written.withLock { $0 } == "work…\nb\n\u{1b}[2F\u{1b}[Jdone\nnext\n\u{1b}[1F\u{1b}[J")
    }
}
