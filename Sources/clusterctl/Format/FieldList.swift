import Platform

/// Names and values in two columns, for what is told of one object.
enum FieldList {
    static func text(_ rows: [[String]]) -> String {
        var table = Table(["", ""])
        for row in rows { table.add(row) }
        return table.render(hasHeadings: false)
    }
}
