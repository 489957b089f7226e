/// The house, from the ground up (docs/architecture.md): a target imports targets of lower levels only.
enum Floors {
    static let levels: [[String]] = [
        ["CLinux", "CSQLite", "COpenSSL", "CArchive", "CYAML", "CCurl"],
        ["Platform"],
        ["Model"],
        ["HTTP", "Store"],
        ["Raft", "Scheduler", "Discovery", "Overlay", "Compose"],
        ["Manager", "Agent"],
        ["Daemon"],
        ["clusterd", "clusterctl"],
    ]

    /// What the toolchain brings and any floor may use.
    static let toolchain: Set<String> = [
        "Swift", "Foundation", "FoundationEssentials", "Dispatch", "Synchronization", "Glibc",
    ]

    static func level(of module: String) -> Int? { levels.firstIndex { $0.contains(module) } }

    /// Each target of Package.swift with the targets it names, in the order of the file.
    static func declared(in package: String) -> [(target: String, below: [String])] {
        var found: [(String, [String])] = []
        for kind in ["executable(", "floor("] {
            for piece in package.split(separator: kind, omittingEmptySubsequences: false).dropFirst() {
                let quoted = quotedWords(piece.prefix { $0 != "]" })
                guard let target = quoted.first, piece.first.map({ $0 == "\"" || $0.isWhitespace }) == true else {
                    continue
                }
                found.append((target, Array(quoted.dropFirst())))
            }
        }
        return found
    }

    private static func quotedWords(_ text: Substring) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
    }
}
