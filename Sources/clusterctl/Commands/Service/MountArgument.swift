import Model

/// A mount as users write it.
enum MountArgument {
    /// `/host:/container[:ro]`, `type=bind,source=/host,target=/container,readonly` or `type=tmpfs,target=/t`.
    ///
    /// - Throws: `UsageError` that says what is wrong.
    static func parse(_ text: String) throws(UsageError) -> Mount {
        let mount = text.contains("=") ? try long(text) : try short(text)
        guard mount.target.hasPrefix("/") else { throw invalid(text, "the target is an absolute path") }
        if mount.type == .bind, mount.source?.hasPrefix("/") != true {
            throw invalid(text, "the source of a bind mount is an absolute path on the node")
        }
        if mount.type == .bind, mount.tmpfsOptions != nil { throw invalid(text, "only a tmpfs has tmpfs-size") }
        if mount.type == .tmpfs, mount.source != nil { throw invalid(text, "a tmpfs has no source") }
        return mount
    }

    private static func short(_ text: String) throws(UsageError) -> Mount {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 || (parts.count == 3 && ["ro", "rw"].contains(parts[2])) else {
            throw invalid(text, "wanted is /HOST:/CONTAINER[:ro] or type=...,source=...,target=...")
        }
        return Mount(
            type: .bind, source: parts[0], target: parts[1],
            readOnly: parts.count == 3 && parts[2] == "ro" ? true : nil)
    }

    private static func long(_ text: String) throws(UsageError) -> Mount {
        var mount = Mount(type: .bind, target: "")
        for field in text.split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = pair.count == 2 ? pair[1] : ""
            switch pair[0] {
            case "type":
                guard let kind = Mount.Kind(rawValue: value), kind == .bind || kind == .tmpfs else {
                    throw invalid(text, "the type is bind or tmpfs")
                }
                mount.type = kind
            case "source", "src": mount.source = value
            case "target", "dst", "destination": mount.target = value
            case "readonly", "ro": mount.readOnly = value != "false"
            case "tmpfs-size":
                guard let bytes = ByteSize.parse(value), bytes > 0 else { throw invalid(text, "'\(value)' is no size") }
                mount.tmpfsOptions = Mount.TmpfsOptions(sizeBytes: bytes)
            default:
                throw invalid(text, "there is no '\(pair[0])'; there are type, source, target, readonly, tmpfs-size")
            }
        }
        return mount
    }

    private static func invalid(_ text: String, _ why: String) -> UsageError { UsageError("mount '\(text)': \(why)") }
}
