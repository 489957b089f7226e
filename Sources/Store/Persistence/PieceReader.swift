internal import Platform

/// Takes apart what a `ByteWriter` wrote, as it comes in piece by piece: no more of it is held than a piece and a field.
struct PieceReader {
    private let what: String
    private let nextPiece: () throws -> [UInt8]
    private var piece: [UInt8] = []
    private var position = 0
    /// Of all bytes before this piece, since `beginChecksum`.
    private var checksum: UInt32 = 0

    /// - Parameters:
    ///   - what: names the whole in errors.
    ///   - nextPiece: the next piece of it; an empty one at the end.
    init(_ what: String, _ nextPiece: @escaping () throws -> [UInt8]) {
        self.what = what
        self.nextPiece = nextPiece
    }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws -> Value {
        let bytes = try raw(MemoryLayout<Value>.size)
        return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(as: Value.self)) }
    }

    mutating func data(limit: Int = SnapshotFormat.rowLimit) throws -> [UInt8] {
        let count = Int(try integer(UInt32.self))
        guard count <= limit else { throw StoreError(.malformed, "\(what) is damaged: a field of \(count) bytes") }
        return try raw(count)
    }

    mutating func string(limit: Int = SnapshotFormat.rowLimit) throws -> String {
        guard let text = String(validating: try data(limit: limit), as: UTF8.self) else {
            throw StoreError(.malformed, "\(what) is damaged: a name that is not UTF-8")
        }
        return text
    }

    mutating func raw(_ count: Int) throws -> [UInt8] {
        if piece.count - position >= count {
            defer { position += count }
            return Array(piece[position..<position + count])
        }
        var collected = Array(piece[position...])
        while collected.count < count {
            checksum = CRC32C.checksum(piece, seed: checksum)
            piece = try nextPiece()
            position = 0
            guard !piece.isEmpty else {
                throw StoreError(.malformed, "\(what) is cut short: copy it again, or use another one")
            }
            position = min(piece.count, count - collected.count)
            collected += piece[..<position]
        }
        return collected
    }

    /// What comes from here on counts.
    mutating func beginChecksum() {
        piece.removeFirst(position)
        position = 0
        checksum = 0
    }

    /// The CRC32C of the bytes since then.
    var checksumSoFar: UInt32 { CRC32C.checksum(piece[..<position], seed: checksum) }

    mutating func expectEnd() throws {
        guard try position == piece.count && nextPiece().isEmpty else {
            throw StoreError(.malformed, "\(what) goes on behind its end")
        }
    }
}
