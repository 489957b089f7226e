internal import Platform

/// The logical form of the state: `magic, version u32, revision u64, index u64, term u64, tables`, each table as
/// `name, rows u64, (id, version u64, object)…` in the order of names and ids; then the parts, each as
/// `name, (1 u8, id, row)…, 0 u8`; and the CRC32C of it all. Version 1 has no parts.
enum SnapshotFormat {
    static let magic: [UInt8] = Array("MRTLSNAP".utf8)
    static let version: UInt32 = 2
    static let versionBeforeParts: UInt32 = 1
    /// Bytes of a row or a name; what says it has more is damaged.
    static let rowLimit = 64 << 20

    /// A digest over the rows: two members at the same revision have the same, or one of them is wrong.
    static func hash(_ snapshot: Snapshot) -> String {
        var writer = ByteWriter()
        writer.integer(snapshot.revision)
        for table in snapshot.tables {
            writer.string(table.schema.name)
            for entry in table.rows {
                writer.string(entry.key)
                writer.integer(entry.value.version)
                writer.data(Digest.sha256(entry.value.encoded))
            }
        }
        for part in snapshot.parts {
            writer.string(type(of: part).name)
            part.forEachRow { id, row in
                writer.data(id)
                writer.data(Digest.sha256(row))
            }
        }
        return Digest.hex(Digest.sha256(writer.bytes))
    }
}
