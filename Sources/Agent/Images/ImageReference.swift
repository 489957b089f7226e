/// A parsed image name: `[domain/]path[:tag][@digest]`, with Docker's defaults (`docker.io`, `library/`).
///
/// Source: the grammar of distribution/reference.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// The longest name accepted, tag and digest not counted.
    static let maximumNameLength = 255

    /// The registry's host and port: "docker.io", "localhost:5000".
    public let domain: String
    /// The repository in it: "library/busybox".
    public let path: String
    public let tag: String?
    public let digest: ContentDigest?

    /// Throws `AgentError.invalid` with Docker's words where the text is not a reference.
    public init(_ text: String) throws(AgentError) {
        func invalid(_ why: String) -> AgentError {
            AgentError(.invalid, "invalid reference format: \(why) in \"\(text.prefix(300))\"")
        }
        var rest = Substring(text)
        var digest: ContentDigest?
        if let at = rest.firstIndex(of: "@") {
            guard let parsed = ContentDigest(String(rest[rest.index(after: at)...])) else {
                throw invalid("bad digest")
            }
            digest = parsed
            rest = rest[..<at]
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let candidate = rest[rest.index(after: colon)...]
            guard Self.isTag(candidate) else { throw invalid("bad tag") }
            tag = String(candidate)
            rest = rest[..<colon]
        }
        guard !rest.isEmpty, rest.utf8.count <= Self.maximumNameLength else { throw invalid("bad length of name") }

        let first = rest.prefix { $0 != "/" }
        let namesRegistry =
            first.endIndex != rest.endIndex
            && (first.contains(".") || first.contains(":") || first == "localhost" || first.contains { $0.isUppercase })
        var path: String
        if namesRegistry {
            guard Self.isDomain(first) else { throw invalid("bad registry") }
            domain = first == "index.docker.io" ? "docker.io" : String(first)
            path = String(rest[rest.index(after: first.endIndex)...])
        } else {
            domain = "docker.io"
            path = String(rest)
        }
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        guard components.allSatisfy(Self.isPathComponent) else {
            throw invalid(
                path.contains { $0.isUppercase } ? "repository name must be lowercase" : "bad repository name")
        }
        if domain == "docker.io", components.count == 1 { path = "library/" + path }
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    private init(domain: String, path: String, tag: String?, digest: ContentDigest?) {
        self.domain = domain
        self.path = path
        self.tag = tag
        self.digest = digest
    }

    /// With `latest` where neither tag nor digest is given.
    public var withDefaultTag: ImageReference {
        tag == nil && digest == nil ? ImageReference(domain: domain, path: path, tag: "latest", digest: nil) : self
    }

    /// The name as Docker shows it: without `docker.io/` and `library/`.
    public var familiarName: String {
        guard domain == "docker.io" else { return "\(domain)/\(path)" }
        return path.hasPrefix("library/") ? String(path.dropFirst("library/".count)) : path
    }

    public var description: String {
        familiarName + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// The key under which a tag is stored: the whole name and the tag, no digest.
    var tagKey: String { "\(domain)/\(path):\(tag ?? "latest")" }

    private static func isTag(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128, isWord(first) else { return false }
        return text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "_")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isDomain(_ text: Substring) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let host = parts.first, !host.isEmpty else { return false }
        if parts.count == 2, UInt16(parts[1]) == nil { return false }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            guard let first = label.utf8.first, let last = label.utf8.last else { return false }
            let dash = UInt8(ascii: "-")
            return first != dash && last != dash
                && label.utf8.allSatisfy { $0 == dash || (isWord($0) && $0 != UInt8(ascii: "_")) }
        }
    }

    /// Lower-case letters and digits, separated by one `.`, one or two `_`, or any number of `-`.
    private static func isPathComponent(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        guard isAlphanumeric(first), isAlphanumeric(last) else { return false }
        var separator: [UInt8] = []
        for byte in text.utf8 {
            if isAlphanumeric(byte) {
                let dashes = separator.allSatisfy { $0 == UInt8(ascii: "-") }
                guard
                    dashes || separator == Array(".".utf8) || separator == Array("_".utf8)
                        || separator == Array("__".utf8)
                else { return false }
                separator = []
            } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") {
                separator.append(byte)
            } else {
                return false
            }
        }
        return true
    }
}
