import Model

/// A secret or config as users write it for a service: `db`, `db:password`, or
/// `source=db,target=/etc/db.conf,uid=1000,gid=1000,mode=0400`.
enum FileArgument {
    /// Named, not found yet: the reference has no id.
    ///
    /// - Throws: `UsageError` that says what is wrong.
    static func parse(_ text: String, _ kind: FileKind) throws(UsageError) -> FileReference {
        guard text.contains("=") else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
                throw invalid(text, kind, "wanted is NAME, NAME:TARGET or source=NAME,target=TARGET,mode=0400")
            }
            return kind.reference(nil, parts[0], .init(name: parts.last ?? ""))
        }
        var source = ""
        var file = FileReference.File(name: "")
        for field in text.split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = pair.count == 2 ? pair[1] : ""
            switch pair[0] {
            case "source", "src": source = value
            case "target", "dst", "destination": file.name = value
            case "uid": file.uid = try number(value, text, kind)
            case "gid": file.gid = try number(value, text, kind)
            case "mode":
                guard let mode = UInt32(value, radix: 8), mode <= 0o777 else {
                    throw invalid(text, kind, "the mode '\(value)' is not one like 0400")
                }
                file.mode = mode
            default:
                throw invalid(text, kind, "there is no '\(pair[0])'; there are source, target, uid, gid, mode")
            }
        }
        guard !source.isEmpty else { throw invalid(text, kind, "source=NAME is missing") }
        if file.name.isEmpty { file.name = source }
        return kind.reference(nil, source, file)
    }

    private static func number(_ value: String, _ text: String, _ kind: FileKind) throws(UsageError) -> String {
        guard UInt32(value) != nil else { throw invalid(text, kind, "'\(value)' is not a numeric id") }
        return value
    }

    private static func invalid(_ text: String, _ kind: FileKind, _ why: String) -> UsageError {
        UsageError("\(kind.rawValue) '\(text)': \(why)")
    }
}

extension ServiceSpec {
    /// The options that `setFiles` reads.
    static let fileOptions: [Syntax.Option] = [
        .repeated("secret", "SECRET", "a secret as a file: NAME, or source=NAME,target=FILE,uid=N,gid=N,mode=0400"),
        .repeated("config", "CONFIG", "a config as a file, written so too"),
    ]
    /// The options that `editFiles` reads.
    static let fileEditOptions: [Syntax.Option] = [
        .repeated("secret-add", "SECRET", "a secret to add"),
        .repeated("secret-rm", "NAME", "one to take away"),
        .repeated("config-add", "CONFIG", "a config to add"),
        .repeated("config-rm", "NAME", "one to take away"),
    ]

    /// Gives references that name a secret or config, as `spec(from:)` makes them, its id.
    mutating func findFiles(_ session: Session) async throws {
        for kind in [FileKind.secret, .config] {
            guard var container = taskTemplate.containerSpec else { return }
            let references = kind.references(container)
            guard references.contains(where: { $0.id == nil }) else { continue }
            let files = try await StoredFiles.load(kind, session)
            kind.set(
                try references.map { reference in
                    guard reference.id == nil else { return reference }
                    let file = try files.find(reference.name ?? "")
                    return kind.reference(file.id, file.spec.name, reference.file)
                }, in: &container)
            taskTemplate.containerSpec = container
        }
    }

    /// Takes away what `--secret-rm` and `--config-rm` name, and adds what is to be added, in the place of what has its path.
    mutating func editFiles(with arguments: Arguments, _ session: Session) async throws {
        for kind in [FileKind.secret, .config] {
            let (added, removed) = (arguments.values(kind.rawValue + "-add"), arguments.values(kind.rawValue + "-rm"))
            guard !added.isEmpty || !removed.isEmpty, var container = taskTemplate.containerSpec else { continue }
            let files = try await StoredFiles.load(kind, session)
            var references = kind.references(container)
            for word in removed {
                let ids = Set(files.versions(of: word).map(\.id))
                let count = references.count
                references.removeAll { $0.name == word || $0.id == word || ids.contains($0.id ?? "") }
                guard references.count < count else {
                    throw Failure("\(name ?? "the service") does not use the \(kind.rawValue) \(word)")
                }
            }
            for word in added {
                let reference = try FileArgument.parse(word, kind)
                references.removeAll { $0.path == reference.path }
                references.append(reference)
            }
            kind.set(references, in: &container)
            taskTemplate.containerSpec = container
        }
        try await findFiles(session)
    }
}
