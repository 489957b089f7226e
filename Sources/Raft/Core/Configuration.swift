/// A member and where the others reach it.
public struct Member: Hashable, Sendable, CustomStringConvertible {
    public let id: NodeID
    public let address: String

    public init(id: NodeID, address: String) {
        self.id = id
        self.address = address
    }

    public var description: String { "\(id)@\(address)" }
}

/// Who votes. Replicated as a log entry of its own kind.
public struct Configuration: Equatable, Sendable {
    /// Sorted by id, no id twice.
    public let voters: [Member]

    static let maximumVoters = 63
    static let maximumAddressBytes = 1024
    private static let version: UInt8 = 1

    public init(voters: [Member] = []) {
        var sorted: [Member] = []
        for member in voters.sorted(by: { $0.id < $1.id }) where sorted.last?.id != member.id { sorted.append(member) }
        self.voters = sorted
    }

    /// Whether the member votes.
    public func contains(_ id: NodeID) -> Bool { voters.contains { $0.id == id } }

    /// The voter of that id.
    public func member(_ id: NodeID) -> Member? { voters.first { $0.id == id } }

    /// With `member` in it; one of the same id is replaced (it moved to another address).
    public func adding(_ member: Member) -> Configuration {
        Configuration(voters: voters.filter { $0.id != member.id } + [member])
    }

    /// Without the voter of that id.
    public func removing(_ id: NodeID) -> Configuration { Configuration(voters: voters.filter { $0.id != id }) }

    /// How many voters decide.
    public var quorum: Int { voters.count / 2 + 1 }

    /// The highest value that a quorum has reached, nil without voters.
    func agreed<Value: Comparable>(_ value: (NodeID) -> Value) -> Value? {
        guard !voters.isEmpty else { return nil }
        return voters.map { value($0.id) }.sorted(by: >)[quorum - 1]
    }

    /// Version, count, then id and address of each voter.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.version)
        writer.write(UInt16(voters.count))
        for member in voters {
            writer.write(member.id.value)
            writer.write(prefixed: Array(member.address.utf8))
        }
        return writer.bytes
    }

    /// Throws `malformed` for what `encoded()` would not write.
    public init(decoding bytes: [UInt8]) throws(RaftError) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.read()
        guard version == Self.version else {
            throw RaftError(.malformed, "configuration of unknown version \(version)")
        }
        let count: UInt16 = try reader.read()
        guard count <= Self.maximumVoters else { throw RaftError(.malformed, "configuration of \(count) voters") }
        var members: [Member] = []
        for _ in 0..<count {
            let id = NodeID(try reader.read())
            let address = try reader.readPrefixed(limit: Self.maximumAddressBytes)
            members.append(Member(id: id, address: String(decoding: address, as: UTF8.self)))
        }
        try reader.expectEnd()
        self.init(voters: members)
        guard voters == members, !voters.contains(where: { $0.id.value == 0 }) else {
            throw RaftError(.malformed, "configuration with unsorted, repeated or empty ids")
        }
    }
}
