internal import Platform
import Store

/// What became of a transaction: all of it was done, or nothing.
struct TransactionResult: Sendable, Equatable {
    struct Failure: Sendable, Equatable {
        var operation: Int
        var what: String
    }

    /// The keys that operations read or wrote, as rows; without the value where it was written, for who wrote it knows it.
    var entries: [[UInt8]] = []
    /// Nothing was changed where there is one.
    var failures: [Failure] = []

    /// `isDone u8, count u32`, then for each entry its row, or for each failure `operation u16, what`.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.integer(UInt8(failures.isEmpty ? 1 : 0))
        if failures.isEmpty {
            writer.integer(UInt32(clamping: entries.count))
            for entry in entries { writer.data(entry) }
        } else {
            writer.integer(UInt32(clamping: failures.count))
            for failure in failures {
                writer.integer(UInt16(clamping: failure.operation))
                writer.string(failure.what)
            }
        }
        return writer.bytes
    }

    init() {}

    init(decoding bytes: [UInt8]) throws {
        var reader = ByteReader(bytes[...])
        let isDone = try reader.integer(UInt8.self) == 1
        for _ in 0..<(try reader.integer(UInt32.self)) {
            if isDone {
                entries.append(try reader.data())
            } else {
                let operation = Int(try reader.integer(UInt16.self))
                failures.append(Failure(operation: operation, what: try reader.string()))
            }
        }
    }

    /// As Consul answers.
    func json() throws -> [UInt8] {
        var json = EntryJSON()
        if failures.isEmpty {
            for entry in entries { json.appendResult(try KeyVersion(row: entry)) }
            return Array("{\"Results\":".utf8) + json.finished + Array(",\"Errors\":null}".utf8)
        }
        for failure in failures { json.appendFailure(failure.operation, failure.what) }
        return Array("{\"Results\":null,\"Errors\":".utf8) + json.finished + Array("}".utf8)
    }
}
