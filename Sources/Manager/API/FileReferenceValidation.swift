internal import HTTP
internal import Model
internal import Store

/// Whether a container's secrets and configs are there and can be files in it; in SwarmKit's words.
struct FileReferenceValidation: Sendable {
    private let snapshot: Snapshot

    private enum Limits {
        static let pathBytes = 4_096
        static let componentBytes = 255
    }

    init(_ snapshot: Snapshot) { self.snapshot = snapshot }

    /// - Throws: `HTTPError` 400 that names what is wrong.
    func check(_ container: ContainerSpec) throws {
        guard container.files.count <= FileLimits.references else {
            throw ServiceValidation.invalid("at most \(FileLimits.references) secrets and configs a service")
        }
        var taken: [String: String] = [:]
        for secret in container.secrets ?? [] {
            try check(secret, kind: Secret.kind, secret.secretID, secret.secretName, other: secret.configID, &taken)
        }
        for config in container.configs ?? [] {
            try check(config, kind: Config.kind, config.configID, config.configName, other: config.secretID, &taken)
        }
        try checkThere(Secret.self, container.secrets ?? [])
        try checkThere(Config.self, container.configs ?? [])
    }

    /// One reference for itself, and beside those that took their paths before.
    private func check(
        _ reference: FileReference, kind: String, _ id: String?, _ name: String?, other: String?,
        _ taken: inout [String: String]
    ) throws {
        guard let id, let name, !id.isEmpty, !name.isEmpty, other == nil else {
            throw ServiceValidation.invalid("malformed \(kind) reference")
        }
        guard let file = reference.file, let path = reference.path else {
            throw ServiceValidation.invalid("malformed \(kind) reference, no target provided")
        }
        guard Self.isFilePath(path) else {
            throw ServiceValidation.invalid("malformed file \(kind) reference, invalid target file name provided")
        }
        for (what, number) in [("UID", file.uid), ("GID", file.gid)] {
            guard let number, !number.isEmpty else { continue }
            guard let value = UInt32(number), value != .max else {
                throw ServiceValidation.invalid(
                    "malformed file \(kind) reference, \(what) '\(number.prefix(64))' is not a number")
            }
        }
        guard (file.mode ?? 0) <= 0o777 else {
            throw ServiceValidation.invalid("malformed file \(kind) reference, the mode has more than permission bits")
        }
        if let other = taken.updateValue(name, forKey: path) {
            throw ServiceValidation.invalid(
                "\(kind) references '\(other)' and '\(name)' have a conflicting target: '\(file.name)'")
        }
    }

    /// The path of one file below the root, without detours.
    private static func isFilePath(_ path: String) -> Bool {
        guard path.utf8.count <= Limits.pathBytes, !path.utf8.contains(0) else { return false }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        return path.hasPrefix("/")
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".." && part.utf8.count <= Limits.componentBytes
            }
    }

    private func checkThere<Kind>(_ type: FileObject<Kind>.Type, _ references: [FileReference]) throws {
        let absent = references.filter { reference in
            guard let object = reference.id.flatMap({ snapshot.get(type, $0) }) else { return true }
            return object.spec.name != reference.name
        }
        guard !absent.isEmpty else { return }
        throw ServiceValidation.invalid(
            "\(type.kind)\(absent.count == 1 ? "" : "s") not found: "
                + absent.map { $0.name ?? "" }.joined(separator: ", "))
    }
}
