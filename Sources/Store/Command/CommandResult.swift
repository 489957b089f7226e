internal import Platform

/// What a proposer learns of its command.
public enum CommandResult: Sendable, Equatable {
    /// The state's revision afterwards, and the kind's own answer.
    case applied(revision: UInt64, output: [UInt8])
    case conflict(Conflict)

    public var encoded: [UInt8] {
        var writer = ByteWriter(reserving: 32)
        switch self {
        case .applied(let revision, let output):
            writer.integer(UInt8(1))
            writer.integer(revision)
            writer.data(output)
        case .conflict(let conflict):
            writer.integer(UInt8(2))
            writer.integer(conflict.reason.rawValue)
            writer.string(conflict.table)
            writer.string(conflict.id)
            writer.integer(UInt8(conflict.name == nil ? 0 : 1))
            if let name = conflict.name { writer.string(name) }
        }
        return writer.bytes
    }

    public init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes[...])
        switch try reader.integer(UInt8.self) {
        case 1:
            self = .applied(revision: try reader.integer(), output: try reader.data())
        case 2:
            guard let reason = Conflict.Reason(rawValue: try reader.integer()) else {
                throw StoreError(.malformed, "an unknown reason of a conflict")
            }
            let table = try reader.string()
            let id = try reader.string()
            let name = try reader.integer(UInt8.self) == 1 ? try reader.string() : nil
            self = .conflict(Conflict(reason, table: table, id: id, name: name))
        default:
            throw StoreError(.malformed, "an unknown result of a command")
        }
    }
}
