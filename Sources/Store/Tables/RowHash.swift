/// What stands for rows when states are compared: the sum of their hashes, whatever the order in which they were written, so
/// that a write costs the hash of what goes and of what comes. It finds what went wrong by itself, not what somebody made to
/// look right.
public enum RowHash {
    /// Of a row of a part.
    public static func of(_ part: String, id: [UInt8], row: [UInt8]) -> UInt64 {
        fold(row, fold(id, fold(part, 0)))
    }

    /// The same of a row that is in no array.
    public static func of(_ part: String, id: UnsafeRawBufferPointer, row: UnsafeRawBufferPointer) -> UInt64 {
        fold(row, fold(id, fold(part, 0)))
    }

    /// Of a row of a table.
    static func of(_ row: any AnyRow, in table: String) -> UInt64 {
        fold(row.encoded, mix(row.version ^ odd, fold(row.id, fold(table, 1))))
    }

    private static let odd: UInt64 = 0x9e37_79b9_7f4a_7c15
    private static let other: UInt64 = 0xd1b5_4a32_d192_ed03

    /// Both halves of the product, folded together: each bit of either side changes about half of them.
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    private static func fold(_ text: String, _ seed: UInt64) -> UInt64 {
        var text = text
        return text.withUTF8 { fold(UnsafeRawBufferPointer($0), seed) }
    }

    private static func fold(_ bytes: [UInt8], _ seed: UInt64) -> UInt64 { bytes.withUnsafeBytes { fold($0, seed) } }

    private static func fold(_ bytes: UnsafeRawBufferPointer, _ seed: UInt64) -> UInt64 {
        var state = seed ^ mix(UInt64(bytes.count) ^ other, odd)
        var position = 0
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        while position + 16 <= bytes.count {
            state = mix(word(position) ^ odd, word(position + 8) ^ state ^ other)
            position += 16
        }
        var rest: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &rest) { $0.copyBytes(from: bytes[position...]) }
        return mix(UInt64(littleEndian: rest.0) ^ odd, UInt64(littleEndian: rest.1) ^ state ^ other)
    }
}

extension Snapshot {
    /// The same on all members at the same entry: the sum of all rows' hashes, kept as they are written.
    public var digest: UInt64 {
        var sum = RowHash.mix(revision ^ 0x5851_f42d_4c95_7f2d, 0x1405_7b7e_f767_814f)
        for table in tables { sum &+= table.hash }
        for part in parts { sum &+= part.rowsHash }
        return sum
    }

    /// The same, computed from the rows as they are now; takes as long as there are many.
    public var digestOfRows: UInt64 {
        var sum = RowHash.mix(revision ^ 0x5851_f42d_4c95_7f2d, 0x1405_7b7e_f767_814f)
        for table in tables {
            for entry in table.rows { sum &+= RowHash.of(entry.value, in: table.schema.name) }
        }
        for part in parts {
            let name = type(of: part).name
            part.forEachRow { sum &+= RowHash.of(name, id: $0, row: $1) }
        }
        return sum
    }
}
