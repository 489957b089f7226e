internal import Platform
public import Store

/// The kind `kv`: one change of one key, or of all that begin so.
///
/// `format u8, operation u8, flags u64, expected u64, key (u32 length)`, for `acquire` and `release` the session (u32
/// length), then the value to the end.
public struct KeyValueCommand: CommandKind {
    private static let format: UInt8 = 1

    enum Operation: UInt8 {
        case set = 1
        /// Only if the key's version is the expected one; 0 means that it must not exist.
        case checkAndSet = 2
        case delete = 3
        case checkAndDelete = 4
        /// All keys that begin so.
        case deleteTree = 5
        /// Only if no other session holds it.
        case acquire = 6
        /// Only if the session holds it.
        case release = 7
        /// Drops the history up to the expected revision; the key is empty.
        case compact = 8

        var namesSession: Bool { self == .acquire || self == .release }
    }

    /// What the proposer learns.
    enum Answer: UInt8 {
        /// The condition did not hold.
        case refused = 0
        case done = 1
        case noSession = 2
    }

    public let name = "kv"

    public init() {}

    static func command(
        _ operation: Operation, key: [UInt8], value: [UInt8] = [], flags: UInt64 = 0, expected: UInt64 = 0,
        session: String = ""
    ) -> Command {
        var writer = ByteWriter(reserving: key.count + value.count + session.utf8.count + 32)
        writer.integer(format)
        writer.integer(operation.rawValue)
        writer.integer(flags)
        writer.integer(expected)
        writer.data(key)
        if operation.namesSession { writer.string(session) }
        writer.raw(value)
        return Command(kind: "kv", payload: writer.bytes)
    }

    /// - Returns: one byte, an `Answer`.
    public func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8] {
        var reader = ByteReader(payload)
        guard try reader.integer(UInt8.self) == Self.format,
            let operation = Operation(rawValue: try reader.integer())
        else { throw StoreError(.unknownKind, "an operation on keys that is not known to this version") }
        let flags = try reader.integer(UInt64.self)
        let expected = try reader.integer(UInt64.self)
        // Of the command itself: a version copies what it keeps.
        let keyStart = reader.rest.startIndex + MemoryLayout<UInt32>.size
        try reader.skip()
        let key = payload[keyStart..<reader.rest.startIndex]
        let session = operation.namesSession ? try reader.string() : ""
        let value = reader.rest
        let sessions = operation == .acquire ? state.part(SessionState.self) : nil
        // From here on nothing throws.
        var transaction = KeyValueTransaction(in: &state)
        var outcome = KeyValueTransaction.Outcome.done(nil)
        switch operation {
        case .set: outcome = transaction.set(key, value, flags: flags)
        case .checkAndSet: outcome = transaction.set(key, value, flags: flags, expected: expected)
        case .delete: outcome = transaction.delete(key)
        case .checkAndDelete: outcome = transaction.delete(key, expected: expected)
        case .deleteTree: transaction.deleteTree(key)
        case .acquire:
            outcome = sessions.map { transaction.lock(key, value, flags: flags, session: session, $0) } ?? .noSession
        case .release: outcome = transaction.unlock(key, value, flags: flags, session: session)
        case .compact: transaction.compact(upTo: expected)
        }
        // What is forgotten is no change.
        if !transaction.finish(&state) || operation == .compact { state.keepRevision() }
        switch outcome {
        case .done: return [Answer.done.rawValue]
        case .refused: return [Answer.refused.rawValue]
        case .noSession: return [Answer.noSession.rawValue]
        }
    }
}
