/// An image's name taken apart: `registry:5000/team/web:1.2` has the tag `1.2`.
struct ImageReference: Equatable {
    var repository: String
    var tag: String

    /// - Throws: `UsageError` for a name that is empty or names a digest.
    init(_ text: String) throws(UsageError) {
        guard !text.contains("@"), !text.isEmpty, !text.contains(" ") else {
            throw UsageError("'\(text)' is no NAME[:TAG]")
        }
        let lastSlash = text.lastIndex(of: "/") ?? text.startIndex
        guard let colon = text[lastSlash...].lastIndex(of: ":") else {
            repository = text
            tag = "latest"
            return
        }
        repository = String(text[..<colon])
        tag = String(text[text.index(after: colon)...])
        guard !repository.isEmpty, !tag.isEmpty else { throw UsageError("'\(text)' is no NAME[:TAG]") }
    }
}
