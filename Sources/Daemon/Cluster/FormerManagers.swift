import FoundationEssentials
import Platform
import Raft

/// The managers that a cluster was made anew without, when it had lost its quorum: written down in the manager's folder before
/// it is done, so that the one that goes on never heeds them again. Their ids are never given to anybody else.
struct FormerManagers: Codable, Sendable {
    private static let currentFormat = 1
    private static let name = "former-managers.json"
    private static let limitBytes = 1 << 20

    private var format = FormerManagers.currentFormat
    /// Their places in the group, as numbers.
    private var members: [UInt64] = []
    /// `--force-new-cluster` was obeyed, and is not again before a start without it: left among the flags, it would drop the
    /// managers that joined since.
    var isFlagSpent = false

    var all: [NodeID] { members.map { NodeID($0) } }

    /// Whether the member is one of them. What the configuration in force names is not: it was never dropped after all.
    func isOut(_ member: NodeID, of configuration: Raft.Configuration) -> Bool {
        members.contains(member.value) && !configuration.contains(member)
    }

    mutating func add(_ dropped: [NodeID]) {
        members = Set(members + dropped.map(\.value)).sorted()
    }

    /// Nobody where nothing is written down.
    static func load(from directory: String) throws -> FormerManagers {
        let path = "\(directory)/\(name)"
        guard Files.exists(path) else { return FormerManagers() }
        let found: FormerManagers
        do {
            found = try JSONDecoder().decode(
                FormerManagers.self, from: Data(try Files.read(path, limit: limitBytes)))
        } catch {
            throw ConfigurationError("\(path) is damaged (\(error)): restore this node from a copy of its --data-dir")
        }
        guard found.format <= currentFormat else {
            throw ConfigurationError(
                "\(path) was written by a newer clusterd (format \(found.format)); upgrade this one")
        }
        return found
    }

    /// Durable when it returns.
    func save(in directory: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try Files.replace("\(directory)/\(Self.name)", with: Array(encoder.encode(self)), mode: 0o600)
    }
}
