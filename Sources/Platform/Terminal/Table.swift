/// Rows under headings, aligned, and cut where a terminal is too narrow.
public struct Table: Sendable {
    /// One column of a table.
    public struct Column: Sendable {
        public let heading: String
        /// Numbers stand to the right.
        public let isRightAligned: Bool
        /// Never cut, as identifiers are that will be typed or pasted.
        public let isWhole: Bool

        public init(_ heading: String, isRightAligned: Bool = false, isWhole: Bool = false) {
            self.heading = heading
            self.isRightAligned = isRightAligned
            self.isWhole = isWhole
        }
    }

    /// Spaces between two columns.
    private static let gap = 3
    /// The narrowest that a heading is cut to.
    private static let narrowestHeading = 6
    /// The narrowest that a column's content is cut to.
    private static let narrowest = 8

    public let columns: [Column]
    public private(set) var rows: [[String]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// A table whose columns all stand to the left and may be cut.
    public init(_ headings: [String]) { columns = headings.map { Column($0) } }

    /// Adds a row; missing cells are empty, surplus ones dropped.
    public mutating func add(_ cells: [String]) {
        let padding = [String](repeating: "", count: max(0, columns.count - cells.count))
        rows.append((cells.prefix(columns.count) + padding).map(Terminal.harmless))
    }

    /// The table as text with a line break after each line; no line is wider than `width`, as far as the columns let it be cut.
    public func render(width: Int? = nil, hasHeadings: Bool = true) -> String {
        let lines = (hasHeadings ? [columns.map(\.heading)] : []) + rows
        var widths = columns.indices.map { column in lines.map { Terminal.columns($0[column]) }.max() ?? 0 }
        guard let width else { return lines.map { line($0, widths) + "\n" }.joined() }
        // Where there is not enough room, columns without content are the first to go.
        if surplus(widths, over: width) > 0, let full = withoutEmptyColumns() {
            return full.render(width: width, hasHeadings: hasHeadings)
        }
        shrink(&widths, to: width)
        return lines.map { line($0, widths) + "\n" }.joined()
    }

    private func withoutEmptyColumns() -> Table? {
        let kept = columns.indices.filter { column in rows.contains { !$0[column].isEmpty } }
        guard !kept.isEmpty, kept.count < columns.count else { return nil }
        var table = Table(kept.map { columns[$0] })
        for row in rows { table.add(kept.map { row[$0] }) }
        return table
    }

    private func surplus(_ widths: [Int], over limit: Int) -> Int {
        widths.reduce(0, +) + Self.gap * max(0, columns.count - 1) - limit
    }

    private func shrink(_ widths: inout [Int], to limit: Int) {
        var surplus = surplus(widths, over: limit)
        // Then headings that are wider than what stands under them.
        let contents = columns.indices.map { column in
            max(Self.narrowestHeading, rows.map { Terminal.columns($0[column]) }.max() ?? 0)
        }
        while surplus > 0 {
            let spare = columns.indices.max { widths[$0] - contents[$0] < widths[$1] - contents[$1] }
            guard let spare, widths[spare] > contents[spare] else { break }
            widths[spare] -= 1
            surplus -= 1
        }
        while surplus > 0 {
            // The widest gives first, so that all that must be cut end up alike.
            let candidates = widths.indices.filter { !columns[$0].isWhole && widths[$0] > Self.narrowest }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
            surplus -= 1
        }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var text = ""
        for (index, cell) in cells.enumerated() {
            let shown = Terminal.truncated(cell, to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - Terminal.columns(shown))
            let isLast = index == cells.count - 1
            if columns[index].isRightAligned {
                text += padding + shown
            } else {
                text += isLast ? shown : shown + padding
            }
            if !isLast { text += String(repeating: " ", count: Self.gap) }
        }
        while text.last == " " { text.removeLast() }
        return text
    }
}
