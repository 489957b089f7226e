import Model

/// A network as users write it: `app`, or `name=app,alias=web,alias=www`.
enum NetworkArgument {
    /// - Throws: `UsageError` that says what is wrong.
    static func parse(_ text: String) throws(UsageError) -> NetworkAttachmentConfig {
        guard text.contains("=") else { return NetworkAttachmentConfig(target: text) }
        var name: String?
        var aliases: [String] = []
        for field in text.split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            switch (pair[0], pair.count) {
            case ("name", 2): name = pair[1]
            case ("alias", 2): aliases.append(pair[1])
            default: throw UsageError("network '\(text)': '\(field)' is neither name=NETWORK nor alias=NAME")
            }
        }
        guard let name else { throw UsageError("network '\(text)': name=NETWORK is missing") }
        return NetworkAttachmentConfig(target: name, aliases: aliases.isEmpty ? nil : aliases)
    }
}
