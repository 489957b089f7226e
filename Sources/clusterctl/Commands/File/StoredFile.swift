import HTTP
import Model

/// A secret or a config, as a command that handles both has it.
typealias StoredFile = FileObject<EitherKind>

/// Either of the two: what is read of one is the same.
enum EitherKind: FileObjectKind {
    static let kind = AccessPolicy.Kind.any
    static let hidesData = true
}

extension FileObject {
    /// The name without what its version adds.
    var baseName: String { spec.labels?[FileVersionLabel.base] ?? spec.name }

    /// 1 for the object that was made first.
    var number: Int {
        guard spec.labels?[FileVersionLabel.base] != nil else { return 1 }
        return spec.labels?[FileVersionLabel.number].flatMap { Int($0) } ?? 1
    }
}

/// The labels by which `secret update` says whose next version an object is.
enum FileVersionLabel {
    static let base = "martlet.version-of"
    static let number = "martlet.version"
}

/// The secrets or the configs that there are.
struct StoredFiles: Sendable {
    let kind: FileKind
    let all: [StoredFile]

    static func load(_ kind: FileKind, _ session: Session) async throws -> StoredFiles {
        StoredFiles(kind: kind, all: try await session.engine.fetch([StoredFile].self, [kind.plural]))
    }

    /// All versions of a name, the first one first.
    func versions(of base: String) -> [StoredFile] {
        all.filter { $0.baseName == base }.sorted { ($0.number, $0.id) < ($1.number, $1.id) }
    }

    /// What users mean by a word: the newest version of that name, the object that is named exactly so, or that has this id.
    ///
    /// - Throws: `Failure` where there is none, or several.
    func find(_ word: String) throws(Failure) -> StoredFile {
        if let newest = versions(of: word).last { return newest }
        if let exact = all.first(where: { $0.spec.name == word || $0.id == word }) { return exact }
        let matches = word.isEmpty ? [] : all.filter { $0.id.hasPrefix(word) }
        guard matches.count <= 1 else { throw Failure("\(word) is the beginning of several \(kind.plural)' ids") }
        guard let match = matches.first else {
            throw Failure(
                "\(kind.rawValue) not found: \(word)",
                hint: "Make it: 'clusterctl \(kind.rawValue) create \(word) FILE'. "
                    + "'clusterctl \(kind.rawValue) ls' shows those that there are.")
        }
        return match
    }
}
