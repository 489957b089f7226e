/// The logical form of the state: `magic, version u32, revision u64, index u64, term u64, tables`, each table as
/// `name, rows u64, (id, version u64, object)…` in the order of names and ids; then the parts, each as
/// `name, (1 u8, id, row)…, 0 u8`; and the CRC32C of it all. Version 1 has no parts.
///
/// A follower is given it, and a backup is one with a header and a digest.
enum SnapshotFormat {
    static let magic: [UInt8] = Array("MRTLSNAP".utf8)
    static let version: UInt32 = 2
    static let versionBeforeParts: UInt32 = 1
    /// Bytes of a row or a name; what says it has more is damaged.
    static let rowLimit = 64 << 20
}
