/// Finds functions and their lengths by counting braces in scanned code.
enum FunctionScanner {
    struct Function: Equatable {
        var name: String
        /// From 1.
        var line: Int
        var length: Int
    }

    static func functions(in file: SourceFile) -> [Function] {
        var open: [(function: Function, depth: Int)] = []
        var found: [Function] = []
        var depth = 0
        var pending: (name: String, line: Int, parentheses: Int)?
        for (index, line) in file.code.enumerated() {
            if let name = declaredFunction(line) { pending = (name, index + 1, 0) }
            for character in line.utf8 {
                switch character {
                case UInt8(ascii: "("): pending?.parentheses += 1
                case UInt8(ascii: ")"): pending?.parentheses -= 1
                case UInt8(ascii: "{"):
                    // A brace within the parameters is a default value's closure, not the body.
                    if let start = pending, start.parentheses == 0 {
                        open.append((Function(name: start.name, line: start.line, length: 0), depth))
                        pending = nil
                    }
                    depth += 1
                case UInt8(ascii: "}"):
                    depth -= 1
                    // A protocol's requirement has no body: it ends with the protocol at the latest.
                    if pending?.parentheses == 0 { pending = nil }
                    if let last = open.last, last.depth == depth {
                        var function = last.function
                        function.length = index + 2 - function.line
                        found.append(function)
                        open.removeLast()
                    }
                default: break
                }
            }
        }
        return found
    }

    /// The name a line declares a function by, or nil.
    private static func declaredFunction(_ line: String) -> String? {
        let words = line.split(separator: " ")
        guard let start = words.firstIndex(where: { !modifiers.contains($0) && !$0.hasPrefix("@") }) else { return nil }
        let word = words[start]
        if word == "func", start + 1 < words.count { return String(words[start + 1].prefix { $0 != "(" && $0 != "<" }) }
        for keyword in ["init", "deinit", "subscript"] where word.hasPrefix(keyword) {
            let rest = word.dropFirst(keyword.count)
            if rest.isEmpty || "(?!<".contains(rest[rest.startIndex]) { return keyword }
        }
        return nil
    }

    private static let modifiers: Set<Substring> = [
        "public", "package", "internal", "fileprivate", "private", "open", "final", "static", "class", "override",
        "mutating", "nonmutating", "consuming", "borrowing", "nonisolated", "required", "convenience", "isolated",
        "prefix", "postfix", "infix",
    ]
}
