import Glibc

/// One member of a tar archive, as its header says.
struct ArchiveEntry {
    enum Kind: Equatable {
        case file, directory, symbolicLink, hardLink, characterDevice, blockDevice, fifo
        /// Sockets and what else a tar may carry: not part of a layer.
        case other

        /// The file type bits of mknod(2) for a device or a fifo.
        var nodeType: mode_t {
            switch self {
            case .blockDevice: S_IFBLK
            case .fifo: S_IFIFO
            default: S_IFCHR
            }
        }
    }

    var path: [UInt8]
    var kind: Kind
    /// Permission bits with set-id and sticky.
    var mode: mode_t
    var owner: uid_t
    var group: gid_t
    var size: Int64
    var modified: timespec
    /// Target of a symbolic or hard link; empty otherwise.
    var linkTarget: [UInt8]
    var deviceMajor: UInt32
    var deviceMinor: UInt32
    var attributes: [(name: String, value: [UInt8])]
}

/// A path inside an archive, as components: no empty ones, no `.`; one with `..` or a NUL is refused.
struct ArchivePath {
    static let maximumBytes = 4096

    /// Each component's bytes, NUL-terminated.
    var components: [[CChar]]

    init(_ bytes: [UInt8]) throws(AgentError) {
        guard bytes.count <= Self.maximumBytes else { throw AgentError(.tooLarge, "a path of the archive is too long") }
        guard !bytes.contains(0) else { throw AgentError(.invalid, "a path of the archive holds a NUL") }
        components = []
        for component in bytes.split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual(".".utf8) { continue }
            guard !component.elementsEqual("..".utf8) else {
                throw AgentError(
                    .invalid, "a path of the archive leads upwards: \(String(decoding: bytes, as: UTF8.self))")
            }
            components.append(component.map { CChar(bitPattern: $0) } + [0])
        }
    }

    static func join(_ components: ArraySlice<[CChar]>) -> [CChar] {
        if components.isEmpty { return [CChar(bitPattern: UInt8(ascii: ".")), 0] }
        var joined: [CChar] = []
        for component in components {
            if !joined.isEmpty { joined.append(CChar(bitPattern: UInt8(ascii: "/"))) }
            joined.append(contentsOf: component.dropLast())
        }
        joined.append(0)
        return joined
    }
}

/// A NUL-terminated name as text, for messages.
func text(_ name: [CChar]) -> String {
    String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
