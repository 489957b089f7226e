import FoundationEssentials

/// A Dockerfile instruction that alters an image's configuration, as `docker import --change` takes them.
enum ConfigurationChange: Equatable {
    case command([String])
    case entrypoint([String])
    case environment(String)
    case exposedPort(String)
    case label(name: String, value: String)
    case user(String)
    case volume(String)
    case workingDirectory(String)
    case stopSignal(String)

    /// Reads one instruction: `CMD ["sh"]`, `ENV A=1 B=2`, `EXPOSE 80`.
    static func parse(_ text: String) throws(AgentError) -> [ConfigurationChange] {
        let trimmed = text.trimmed
        let keyword = trimmed.prefix { !$0.isWhitespace }
        let value = String(trimmed.dropFirst(keyword.count)).trimmed
        guard !value.isEmpty else { throw AgentError(.invalid, "the change \"\(text.prefix(100))\" says no value") }
        switch keyword.uppercased() {
        case "CMD": return [.command(arguments(value))]
        case "ENTRYPOINT": return [.entrypoint(arguments(value))]
        case "ENV": return try pairs(value, text).map { .environment("\($0.0)=\($0.1)") }
        case "LABEL": return try pairs(value, text).map { .label(name: $0.0, value: $0.1) }
        case "EXPOSE":
            return value.split(separator: " ").map { .exposedPort($0.contains("/") ? String($0) : "\($0)/tcp") }
        case "USER": return [.user(value)]
        case "VOLUME": return arguments(value, shell: false).map { .volume($0) }
        case "WORKDIR": return [.workingDirectory(value)]
        case "STOPSIGNAL": return [.stopSignal(value)]
        default: throw AgentError(.invalid, "\(keyword.prefix(40)) is not a valid change command")
        }
    }

    func apply(to execution: inout ImageConfiguration.Execution) {
        switch self {
        case .command(let arguments): execution.command = arguments
        case .entrypoint(let arguments): execution.entrypoint = arguments
        case .environment(let pair):
            let name = pair.prefix { $0 != "=" } + "="
            execution.environment = (execution.environment ?? []).filter { !$0.hasPrefix(name) } + [pair]
        case .exposedPort(let port): execution.exposedPorts = (execution.exposedPorts ?? [:]).adding(port)
        case .label(let name, let value): execution.labels = (execution.labels ?? [:]).merging([name: value]) { $1 }
        case .user(let user): execution.user = user
        case .volume(let path): execution.volumes = (execution.volumes ?? [:]).adding(path)
        case .workingDirectory(let path): execution.workingDirectory = path
        case .stopSignal(let signal): execution.stopSignal = signal
        }
    }

    /// A JSON array, or else a line for the shell (or words).
    private static func arguments(_ text: String, shell: Bool = true) -> [String] {
        if text.hasPrefix("["), let words = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) {
            return words
        }
        return shell ? ["/bin/sh", "-c", text] : text.split(separator: " ").map(String.init)
    }

    /// `NAME=value NAME="two words"`, or `NAME value`.
    private static func pairs(_ text: String, _ change: String) throws(AgentError) -> [(String, String)] {
        var words: [String] = []
        var word = ""
        var quote: Character?
        for character in text {
            if let open = quote {
                if character == open { quote = nil } else { word.append(character) }
            } else if character == "\"" || character == "'" {
                quote = character
            } else if character.isWhitespace {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        if let first = words.first, !first.contains("="), words.count > 1 {
            return [(first, words.dropFirst().joined(separator: " "))]
        }
        var pairs: [(String, String)] = []
        for word in words {
            guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
                throw AgentError(.invalid, "the change \"\(change.prefix(100))\" is not NAME=value")
            }
            pairs.append((String(word[..<equals]), String(word[word.index(after: equals)...])))
        }
        return pairs
    }
}

extension [String: ImageConfiguration.Execution.Nothing] {
    fileprivate func adding(_ key: String) -> Self { merging([key: .init()]) { $1 } }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
