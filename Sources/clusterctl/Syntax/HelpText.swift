/// Help, laid out from what the commands say of themselves.
enum HelpText {
    private static let lineWidth = 80

    /// Of one command.
    static func command(_ syntax: Syntax) -> String {
        var text = "Usage: \(usage(syntax))\n\n\(syntax.summary)\n"
        for note in syntax.notes { text += "\n\(reflowed(note))\n" }
        if !syntax.positionals.isEmpty {
            text += "\nArguments:\n" + aligned(syntax.positionals.map { ($0.name, $0.help) })
        }
        if !syntax.options.isEmpty { text += "\nOptions:\n" + aligned(syntax.options.map(row)) }
        return text + "\nEverywhere:\n" + aligned(Syntax.globals.map(row))
    }

    /// Of a noun: its verbs.
    static func noun(_ noun: String, _ syntaxes: [Syntax]) -> String {
        let verbs = syntaxes.filter { $0.path.first == noun && $0.path.count > 1 }
        return "Usage: clusterctl \(noun) VERB ...\n\nVerbs:\n"
            + aligned(verbs.map { ($0.path[1], $0.summary) })
            + "\nSee 'clusterctl \(noun) VERB --help' for each.\n"
    }

    /// Of the whole: single words first, then nouns with their verbs.
    static func overview(_ syntaxes: [Syntax]) -> String {
        var nouns: [String] = []
        for syntax in syntaxes where syntax.path.count > 1 && !nouns.contains(syntax.path[0]) {
            nouns.append(syntax.path[0])
        }
        let words = syntaxes.filter { $0.path.count == 1 }.map { ($0.path[0], $0.summary) }
        let rows = nouns.map { noun in
            (
                noun,
                syntaxes.filter { $0.path.count > 1 && $0.path[0] == noun }.map { $0.path[1] }.joined(separator: ", ")
            )
        }
        return "Usage: clusterctl [--host HOST] [--format FORMAT] NOUN VERB ...\n\nThis node and its cluster:\n"
            + aligned(words) + "\nNouns and their verbs:\n" + aligned(rows)
            + "\nEverywhere:\n" + aligned(Syntax.globals.map(row))
            + "\nSee 'clusterctl NOUN --help' and 'clusterctl NOUN VERB --help'.\n"
    }

    static func usage(_ syntax: Syntax) -> String {
        var words = ["clusterctl"] + syntax.path
        for positional in syntax.positionals {
            switch positional.arity {
            case .one: words.append(positional.name)
            case .optional: words.append("[\(positional.name)]")
            case .many: words.append("\(positional.name)...")
            case .any: words.append("[\(positional.name)...]")
            }
        }
        words += syntax.options.filter(\.isRequired).map { "--\($0.name) \($0.placeholder ?? "")" }
        if syntax.options.contains(where: { !$0.isRequired }) { words.append("[OPTIONS]") }
        if let trailing = syntax.trailing { words.append("[-- \(trailing)]") }
        return words.joined(separator: " ")
    }

    private static func row(_ option: Syntax.Option) -> (String, String) {
        let short = option.short.map { "-\($0), " } ?? "    "
        let value = option.placeholder.map { " " + $0 } ?? ""
        return ("\(short)--\(option.name)\(value)", option.help + (option.isRepeated ? " (may be repeated)" : ""))
    }

    private static func aligned(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { "  " + $0.0.padded(to: width + 2) + wrapped($0.1, indent: width + 4) + "\n" }.joined()
    }

    /// A note in lines of that width; those that begin with a space stand as they were written.
    private static func reflowed(_ note: String) -> String {
        var lines: [String] = []
        var paragraph = ""
        func end() {
            if !paragraph.isEmpty { lines.append(wrapped(paragraph, indent: 0)) }
            paragraph = ""
        }
        for line in note.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty || line.hasPrefix(" ") {
                end()
                lines.append(String(line))
            } else {
                paragraph += " " + line
            }
        }
        end()
        return lines.joined(separator: "\n")
    }

    /// The text broken between words, so that no line is wider than a terminal of old where that can be had.
    private static func wrapped(_ text: String, indent: Int) -> String {
        let room = max(lineWidth - indent, 24)
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= room {
                lines[lines.count - 1] += " \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines.joined(separator: "\n" + String(repeating: " ", count: indent))
    }
}

extension String {
    /// The text with spaces behind it up to a width in characters.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
