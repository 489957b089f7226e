import Platform

/// What stands for this installation in `/info` and in its cgroups, whatever cluster it is in: made once for a data
/// directory.
enum EngineID {
    static func of(_ dataDirectory: String) throws -> String {
        let path = dataDirectory + "/engine-id"
        guard Files.exists(path) else {
            let id = Identifier.random()
            try Files.replace(path, with: Array(id.utf8))
            return id
        }
        let text = try Files.readText(path, limit: 64).prefix { !$0.isWhitespace }
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) || (97...122).contains($0) }) else {
            throw ConfigurationError("\(path) is damaged: it should hold letters and digits; restore it or remove it")
        }
        return String(text)
    }
}
