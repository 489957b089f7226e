/// The words of a command line, sorted; each reader checks what it reads and says which option is wrong.
struct Arguments: Sendable {
    let path: [String]
    var values: [String: [String]] = [:]
    var positionals: [String] = []
    /// What stood behind `--`.
    var trailing: [String] = []

    init(path: [String]) { self.path = path }

    func flag(_ name: String) -> Bool { values[name] != nil }

    func value(_ name: String) -> String? { values[name]?.last }

    func values(_ name: String) -> [String] { values[name] ?? [] }

    /// A whole number within bounds.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            let bounds =
                range.upperBound == .max ? "from \(range.lowerBound) up" : "\(range.lowerBound) to \(range.upperBound)"
            throw invalid(name, text, "a whole number, \(bounds)")
        }
        return number
    }

    /// Nanoseconds, from `1m30s`.
    func nanoseconds(_ name: String) throws(UsageError) -> Int64? {
        guard let text = value(name) else { return nil }
        guard let duration = DurationText.parse(text) else { throw invalid(name, text, "a duration such as 1m30s") }
        return duration
    }

    /// Bytes, from `512M` or `2 GB`.
    func bytes(_ name: String) throws(UsageError) -> Int64? {
        guard let text = value(name) else { return nil }
        guard let bytes = ByteSize.parse(text) else { throw invalid(name, text, "a size such as 512M or 2GB") }
        return bytes
    }

    /// Billionths of a CPU, from `0.5`.
    func nanoCPUs(_ name: String) throws(UsageError) -> Int64? {
        guard let text = value(name) else { return nil }
        guard let cpus = Double(text), cpus >= 0, cpus <= 1_000_000 else {
            throw invalid(name, text, "a number of CPUs such as 0.5")
        }
        return Int64((cpus * 1e9).rounded())
    }

    /// One of several words.
    func choice(_ name: String, of words: [String]) throws(UsageError) -> String? {
        guard let text = value(name) else { return nil }
        guard words.contains(text) else { throw invalid(name, text, "one of " + words.joined(separator: ", ")) }
        return text
    }

    /// `KEY=VALUE`, repeated; a lone `KEY` has the empty value. Nil where the option is not given.
    func pairs(_ name: String) throws(UsageError) -> [String: String]? {
        guard let words = values[name] else { return nil }
        var pairs: [String: String] = [:]
        for word in words {
            let equals = word.firstIndex(of: "=")
            let key = String(word[..<(equals ?? word.endIndex)])
            guard !key.isEmpty else { throw invalid(name, word, "KEY=VALUE") }
            pairs[key] = equals.map { String(word[word.index(after: $0)...]) } ?? ""
        }
        return pairs
    }

    func invalid(_ name: String, _ text: String, _ wanted: String) -> UsageError {
        UsageError("--\(name) '\(text)': wanted is \(wanted)", path: path)
    }

    func usage(_ message: String) -> UsageError { UsageError(message, path: path) }
}
