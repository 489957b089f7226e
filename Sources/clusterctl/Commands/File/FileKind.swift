import Model

/// What secrets and configs differ in for a command line.
enum FileKind: String, Sendable {
    case secret, config

    /// As the API's path has it.
    var plural: String { rawValue + "s" }

    /// Bytes that the API takes.
    static let dataBytes = FileLimits.dataBytes

    /// The references of a container to files of this kind.
    func references(_ container: ContainerSpec?) -> [FileReference] {
        (self == .secret ? container?.secrets : container?.configs) ?? []
    }

    func set(_ references: [FileReference], in container: inout ContainerSpec) {
        let list = references.isEmpty ? nil : references
        if self == .secret { container.secrets = list } else { container.configs = list }
    }

    /// A reference to one object, with the file it is to be.
    func reference(_ id: String?, _ name: String?, _ file: FileReference.File?) -> FileReference {
        self == .secret
            ? FileReference(secretID: id, secretName: name, file: file)
            : FileReference(configID: id, configName: name, file: file)
    }
}
