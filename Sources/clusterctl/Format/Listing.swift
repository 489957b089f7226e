import Platform

/// A list of objects of one kind, printed in whichever format is wanted.
struct Listing {
    /// A column of the table; `field` is its name in templates.
    struct Column {
        var header: String
        var field: String
    }

    struct Row {
        /// One for each column.
        var cells: [String]
        var object: JSONValue
        /// The whole id, where the table shows a shortened one.
        var id: String
        /// Stands behind the first cell in tables.
        var mark = ""
    }

    var columns: [Column]
    var rows: [Row]

    /// - Parameter columns: pairs of header and field name.
    init(_ columns: KeyValuePairs<String, String>, rows: [Row] = []) {
        self.columns = columns.map { Column(header: $0.key, field: $0.value) }
        self.rows = rows
    }

    /// - Parameter width: what a table is cut to; nil where nobody looks at it.
    func text(_ format: OutputFormat, width: Int? = nil) throws(UsageError) -> String {
        switch format {
        case .table:
            // Ids are typed and pasted: whatever else is cut, they are not.
            var table = Table(columns.map { Table.Column($0.header, isWhole: $0.field == "ID") })
            for row in rows { table.add([(row.cells.first ?? "") + row.mark] + row.cells.dropFirst()) }
            return table.render(width: width)
        case .json: return JSONValue.array(rows.map(\.object)).pretty + "\n"
        case .template(let template):
            var text = ""
            for row in rows {
                let cells = Dictionary(
                    zip(columns.map(\.field), row.cells), uniquingKeysWith: { first, _ in first })
                text += try template.line(cells: cells, object: row.object) + "\n"
            }
            return text
        }
    }

    /// Only the ids, for scripts.
    var ids: String { rows.map { $0.id + "\n" }.joined() }
}

extension String {
    /// The first twelve characters of an id, which is what people can read.
    var shortened: String {
        let plain = hasPrefix("sha256:") ? dropFirst(7) : self[...]
        return String(plain.prefix(12))
    }
}
