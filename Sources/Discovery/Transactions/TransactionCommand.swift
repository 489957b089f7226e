internal import Platform
public import Store

/// The kind `kv-txn`: several operations on keys, all or none.
///
/// `format u8, count u16`, then each `TransactionOperation`.
public struct TransactionCommand: CommandKind {
    private static let format: UInt8 = 1

    public let name = "kv-txn"

    public init() {}

    static func command(_ operations: [TransactionOperation]) -> Command {
        var writer = ByteWriter()
        writer.integer(format)
        writer.integer(UInt16(clamping: operations.count))
        for operation in operations { operation.write(to: &writer) }
        return Command(kind: "kv-txn", payload: writer.bytes)
    }

    /// - Returns: an encoded `TransactionResult`.
    public func apply(_ payload: ArraySlice<UInt8>, to state: inout AppliedChanges) throws -> [UInt8] {
        var reader = ByteReader(payload)
        guard try reader.integer(UInt8.self) == Self.format else {
            throw StoreError(.unknownKind, "a transaction of a format that is not known to this version")
        }
        var operations: [TransactionOperation] = []
        for _ in 0..<(try reader.integer(UInt16.self)) { operations.append(try TransactionOperation(from: &reader)) }
        // On a copy: where one operation fails, nothing was done.
        var run = TransactionRun(
            KeyValueTransaction(keys: state.part(), revision: state.revision), state.part(SessionState.self))
        run.run(operations)
        if !run.result.failures.isEmpty || !run.finish(&state) { state.keepRevision() }
        return run.result.encoded
    }
}
