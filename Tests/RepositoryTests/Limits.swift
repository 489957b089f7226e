/// The bounds that the whole tree keeps; an exception names its file and says why it is right.
enum Limits {
    /// Lines in a Swift file; the aim is 400.
    static let fileLines = 800
    static let fileLinesAim = 400
    /// Lines of a function from the line of its `func`, `init` or `deinit` to its closing brace; the aim is 70.
    static let functionLines = 100
    static let functionLinesAim = 70
    /// How many lines above a use a comment that explains it may begin.
    static let explanationReach = 4

    /// Files that may be longer than `fileLines`, each with the reason.
    static let longFiles: [String: String] = [:]

    /// Functions that may be longer than `functionLines`, as `path:name`, each with the reason.
    static let longFunctions: [String: String] = [
        "Sources/Overlay/Nftables/FilterEncoder+Expressions.swift:write":
            "one case for each kind of expression, no nesting"
    ]

    /// Public types and functions of the whole tree that still have no `///`. This number only goes down.
    static let undocumented = 6
}
