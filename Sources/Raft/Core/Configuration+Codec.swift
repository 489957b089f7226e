internal import Platform

extension Configuration {
    /// Voters and nothing else: written wherever it says all, so that older members understand it.
    private static let plainVersion: UInt8 = 1
    private static let fullVersion: UInt8 = 2
    private static let leavesItselfFlag: UInt8 = 1

    /// Version 1: the voters. Version 2: flags, voters, outgoing, learners. A list is its count, then id and address of each.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter()
        if outgoing.isEmpty && learners.isEmpty {
            writer.integer(Self.plainVersion)
            Self.write(voters, to: &writer)
        } else {
            writer.integer(Self.fullVersion)
            writer.integer(leavesItself ? Self.leavesItselfFlag : 0)
            for members in [voters, outgoing, learners] { Self.write(members, to: &writer) }
        }
        return writer.bytes
    }

    /// Throws `malformed` for what `encoded()` would not write.
    public init(decoding bytes: [UInt8]) throws(RaftError) {
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.integer()
        switch version {
        case Self.plainVersion:
            self.init(voters: try Self.readMembers(from: &reader))
        case Self.fullVersion:
            let flags: UInt8 = try reader.integer()
            self.init(
                voters: try Self.readMembers(from: &reader), outgoing: try Self.readMembers(from: &reader),
                learners: try Self.readMembers(from: &reader), leavesItself: flags & Self.leavesItselfFlag != 0)
        default:
            throw RaftError(.malformed, "configuration of unknown version \(version)")
        }
        try reader.expectEnd()
        guard encoded() == bytes, !members.contains(where: { $0.id.value == 0 }) else {
            throw RaftError(.malformed, "configuration with unsorted, repeated or empty ids")
        }
    }

    private static func write(_ members: [Member], to writer: inout ByteWriter) {
        writer.integer(UInt16(members.count))
        for member in members {
            writer.integer(member.id.value)
            writer.data(Array(member.address.utf8))
        }
    }

    private static func readMembers(from reader: inout ByteReader) throws(RaftError) -> [Member] {
        let count: UInt16 = try reader.integer()
        guard count <= maximumVoters else { throw RaftError(.malformed, "configuration of \(count) members") }
        var members: [Member] = []
        for _ in 0..<count {
            let id = NodeID(try reader.integer())
            let address = try reader.data(limit: maximumAddressBytes)
            members.append(Member(id: id, address: String(decoding: address, as: UTF8.self)))
        }
        return members
    }
}
