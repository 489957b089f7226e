/// Sorts a command's words into options, positional arguments and, where a command has such, what stands behind `--`.
struct ArgumentParser {
    private let syntax: Syntax
    private var arguments: Arguments
    private var rest: ArraySlice<String>

    /// Understands `--name value`, `--name=value`, `--flag`, `--flag=false`, `-n value` and `--`.
    static func parse(_ words: [String], for syntax: Syntax) throws(UsageError) -> Arguments {
        var parser = ArgumentParser(syntax: syntax, arguments: Arguments(path: syntax.path), rest: words[...])
        try parser.run()
        return parser.arguments
    }

    private mutating func run() throws(UsageError) {
        while let word = rest.popFirst() {
            if word == "--" {
                if syntax.trailing == nil {
                    // What stands behind it is no option, whatever it looks like: POSIX, utility syntax guideline 10.
                    arguments.positionals += rest
                } else {
                    arguments.trailing = Array(rest)
                }
                break
            } else if word.hasPrefix("--") {
                try take(long: word.dropFirst(2))
            } else if word.hasPrefix("-"), word.count > 1 {
                try take(short: word.dropFirst())
            } else {
                arguments.positionals.append(word)
            }
        }
        if !arguments.flag("help") { try check() }
    }

    private mutating func take(long text: Substring) throws(UsageError) {
        let equals = text.firstIndex(of: "=")
        let name = String(text[..<(equals ?? text.endIndex)])
        guard let option = options.first(where: { $0.name == name }) else { throw unknown("--" + name) }
        try store(option, as: "--" + name, attached: equals.map { String(text[text.index(after: $0)...]) })
    }

    /// `-f`, `-n 5`, or several flags in one word: `-ft`.
    private mutating func take(short text: Substring) throws(UsageError) {
        for (index, letter) in text.enumerated() {
            guard let option = options.first(where: { $0.short == letter }) else { throw unknown("-\(letter)") }
            guard option.placeholder == nil || index == text.count - 1 else {
                throw error("-\(letter) wants a value: -\(letter) \(option.placeholder ?? "")")
            }
            try store(option, as: "-\(letter)", attached: nil)
        }
    }

    private mutating func store(_ option: Syntax.Option, as spelled: String, attached: String?) throws(UsageError) {
        guard let placeholder = option.placeholder else {
            switch attached {
            case nil, "true": arguments.values[option.name] = ["true"]
            case "false": arguments.values[option.name] = nil
            default: throw error("\(spelled) is a flag and takes no value")
            }
            return
        }
        guard let value = attached ?? rest.popFirst() else { throw error("\(spelled) wants a value: \(placeholder)") }
        if option.isRepeated {
            arguments.values[option.name, default: []].append(value)
        } else if arguments.values.updateValue([value], forKey: option.name) != nil {
            throw error("\(spelled) is given twice")
        }
    }

    private func check() throws(UsageError) {
        let least = syntax.positionals.count { $0.arity == .one || $0.arity == .many }
        let isOpen = syntax.positionals.contains { $0.arity == .many || $0.arity == .any }
        let count = arguments.positionals.count
        if count < least { throw error("\(syntax.positionals[count].name) is missing") }
        for option in syntax.options where option.isRequired && arguments.values[option.name] == nil {
            throw error("--\(option.name) \(option.placeholder ?? "") is missing")
        }
        if !isOpen, count > syntax.positionals.count {
            let surplus = arguments.positionals[syntax.positionals.count]
            let hint = syntax.trailing == nil ? "" : "; the container's own command goes behind '--'"
            throw error("unexpected argument '\(surplus)'\(hint)")
        }
    }

    private var options: [Syntax.Option] { syntax.options + Syntax.globals }

    private func unknown(_ spelled: String) -> UsageError {
        let near = Suggestion.nearest(to: spelled, among: options.map { "--" + $0.name })
        return error("unknown option \(spelled)" + (near.map { "; did you mean \($0)?" } ?? ""))
    }

    private func error(_ message: String) -> UsageError { UsageError(message, path: syntax.path) }
}
