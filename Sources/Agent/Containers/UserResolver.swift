/// Finds out whom a container's first process runs as: `user[:group]`, names or numbers, by the image's own files.
struct UserResolver {
    typealias User = RuntimeConfiguration.Process.User

    /// `/etc/passwd` and `/etc/group` of the image; empty where it has none.
    var passwd: String
    var group: String

    /// Throws `invalid` for a name that the files do not know; a number needs no line.
    func resolve(_ text: String, additionalGroups: [String] = []) throws(AgentError) -> User {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let wanted = parts[0].isEmpty ? "0" : parts[0]
        let line = lines(passwd).first { $0.count >= 4 && ($0[0] == wanted || $0[2] == wanted) }
        var user: User
        if let line, let uid = UInt32(line[2]), let gid = UInt32(line[3]) {
            user = User(uid: uid, gid: gid)
        } else if let uid = UInt32(wanted) {
            user = User(uid: uid, gid: 0)
        } else {
            throw AgentError(.invalid, "unable to find user \(wanted.prefix(64)): no matching entries in passwd file")
        }
        var groups: [UInt32] = []
        if parts.count == 2, !parts[1].isEmpty {
            user.gid = try number(ofGroup: parts[1])
        } else if let name = line?[0] {
            groups = lines(group).filter { $0.count >= 4 && $0[3].split(separator: ",").contains { $0 == name } }
                .compactMap { UInt32($0[2]) }
        }
        for name in additionalGroups { groups.append(try number(ofGroup: name)) }
        if !groups.isEmpty { user.additionalGids = Array(Set(groups)).sorted() }
        return user
    }

    private func number(ofGroup wanted: String) throws(AgentError) -> UInt32 {
        if let line = lines(group).first(where: { $0.count >= 3 && $0[0] == wanted }), let gid = UInt32(line[2]) {
            return gid
        }
        guard let gid = UInt32(wanted) else {
            throw AgentError(.invalid, "unable to find group \(wanted.prefix(64)): no matching entries in group file")
        }
        return gid
    }

    private func lines(_ file: String) -> [[String]] {
        file.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init) }
    }
}
