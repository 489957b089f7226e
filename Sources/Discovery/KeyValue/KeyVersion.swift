import Glibc
import Store

/// One version of a key, in one allocation, without what most versions do not need.
///
/// What is in memory, in this order: `tag u8` (a bit for each thing that is there), `key length u16, modify u64`, then, where
/// the tag names it, `create u64` (another than `modify`), `flags u64, lock u64, order u32` (not 0), `session length u8`; then session,
/// key and value. What goes to databases, snapshots and answers is its `row`.
struct KeyVersion: TreeElement {
    private enum Tag {
        static let deleted: UInt8 = 1
        static let create: UInt8 = 2
        static let flags: UInt8 = 4
        static let lock: UInt8 = 8
        static let order: UInt8 = 16
        static let session: UInt8 = 32
    }
    private enum Offset {
        static let keyLength = 1
        static let modify = 3
        /// Of what the tag names.
        static let optional = 11
    }
    /// In bytes; a longer one is cut off.
    private static let sessionLimit = Int(UInt8.max)

    private let packed: [UInt8]

    init(
        key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, flags: UInt64 = 0, create: UInt64, modify: UInt64,
        order: UInt32 = 0, lock: UInt64 = 0, session: String = "", isDeleted: Bool = false
    ) {
        var session = session
        packed = session.withUTF8 { session in
            key.withUnsafeBytes { key in
                value.withUnsafeBytes { value in
                    Self.pack(
                        key, value, flags: flags, create: create, modify: modify, order: order, lock: lock,
                        session: UnsafeRawBufferPointer(session), isDeleted: isDeleted)
                }
            }
        }
    }

    private static func pack(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, flags: UInt64, create: UInt64, modify: UInt64,
        order: UInt32, lock: UInt64, session: UnsafeRawBufferPointer, isDeleted: Bool
    ) -> [UInt8] {
        let session = UnsafeRawBufferPointer(rebasing: session.prefix(sessionLimit))
        var tag = isDeleted ? Tag.deleted : 0
        if create != modify { tag |= Tag.create }
        if flags != 0 { tag |= Tag.flags }
        if lock != 0 { tag |= Tag.lock }
        if order != 0 { tag |= Tag.order }
        if !session.isEmpty { tag |= Tag.session }
        let start = headerLength(tag)
        let count = start + session.count + key.count + value.count
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            var writer = RawWriter(UnsafeMutableRawBufferPointer(buffer))
            writer.put(tag)
            writer.put(UInt16(truncatingIfNeeded: key.count))
            writer.put(modify)
            if create != modify { writer.put(create) }
            if flags != 0 { writer.put(flags) }
            if lock != 0 { writer.put(lock) }
            if order != 0 { writer.put(order) }
            if !session.isEmpty { writer.put(UInt8(session.count)) }
            writer.put(session)
            writer.put(key)
            writer.put(value)
            initialized = count
        }
    }

    /// Up to the session.
    private static func headerLength(_ tag: UInt8) -> Int {
        let wide = (tag & (Tag.create | Tag.flags | Tag.lock)).nonzeroBitCount
        return Offset.optional + 8 * wide + Int(tag & Tag.order) / 4 + Int(tag & Tag.session) / 32
    }

    private var tag: UInt8 { packed[0] }
    var isDeleted: Bool { tag & Tag.deleted != 0 }
    /// The revision of this version.
    var modify: UInt64 { integer(at: Offset.modify) }
    /// The revision that made the key.
    var create: UInt64 { tag & Tag.create != 0 ? integer(at: Offset.optional) : modify }
    var flags: UInt64 { optional(Tag.flags) }
    /// How often the key was locked.
    var lock: UInt64 { optional(Tag.lock) }
    /// Its place among the changes of the revision.
    var order: UInt32 { tag & Tag.order == 0 ? 0 : integer(at: Self.headerLength(tag & (Tag.order - 1))) }
    /// Who holds it; empty where nobody does.
    var session: String { String(decoding: packed[sessionStart..<keyStart], as: UTF8.self) }
    var isHeld: Bool { tag & Tag.session != 0 }
    var key: ArraySlice<UInt8> { packed[keyStart..<valueStart] }
    var value: ArraySlice<UInt8> { packed[valueStart...] }
    var keyText: String { String(decoding: key, as: UTF8.self) }

    private var sessionStart: Int { Self.headerLength(tag) }
    private var sessionLength: Int { isHeld ? Int(packed[sessionStart - 1]) : 0 }
    private var keyStart: Int { sessionStart + sessionLength }
    private var valueStart: Int { keyStart + Int(integer(at: Offset.keyLength) as UInt16) }

    /// The number that stands behind all those of lower bits.
    private func optional(_ bit: UInt8) -> UInt64 {
        tag & bit == 0 ? 0 : integer(at: Self.headerLength(tag & (bit - 1)))
    }

    private func integer<Value: FixedWidthInteger>(at offset: Int) -> Value {
        packed.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
    }

    /// The same, said without its value.
    var withoutValue: KeyVersion {
        KeyVersion(
            key: key, value: [], flags: flags, create: create, modify: modify, order: order, lock: lock,
            session: session, isDeleted: isDeleted)
    }

    func isSame(as other: KeyVersion) -> Bool { modify == other.modify && order == other.order }

    var treeKey: ArraySlice<UInt8> { key }
    /// Without the value.
    var separator: ArraySlice<UInt8> { Array(key)[...] }
    static func precedes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        KeyOrder.isBefore(left, right)
    }
    static func precedes(_ element: KeyVersion, key: ArraySlice<UInt8>) -> Bool {
        element.packed.withUnsafeBytes { bytes in
            let start = headerLength(bytes[0])
            let session = bytes[0] & Tag.session == 0 ? 0 : Int(bytes[start - 1])
            let count = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: Offset.keyLength, as: UInt16.self))
            let own = UnsafeRawBufferPointer(rebasing: bytes[(start + session)..<(start + session + Int(count))])
            return key.withUnsafeBytes { KeyOrder.isBefore(own, $0) }
        }
    }
}

// MARK: As a row

/// `format u8, isDeleted u8, flags u64, create u64, modify u64, order u32, lock u64, session length u8, key length u16`,
/// then session, key and value.
extension KeyVersion: PartRow {
    private static let format: UInt8 = 1
    private enum RowOffset {
        static let deleted = 1
        static let flags = 2
        static let create = 10
        static let modify = 18
        static let order = 26
        static let lock = 30
        static let sessionLength = 38
        static let keyLength = 39
        static let session = 41
    }

    /// Throws `StoreError` `.malformed`.
    init(row: [UInt8]) throws {
        let packed: [UInt8]? = row.withUnsafeBytes { row in
            func integer<Value: FixedWidthInteger>(_ offset: Int) -> Value {
                Value(littleEndian: row.loadUnaligned(fromByteOffset: offset, as: Value.self))
            }
            guard row.count >= RowOffset.session, row[0] == Self.format, row[RowOffset.deleted] <= 1 else { return nil }
            let key = RowOffset.session + Int(row[RowOffset.sessionLength])
            let value = key + Int(integer(RowOffset.keyLength) as UInt16)
            guard value <= row.count else { return nil }
            return Self.pack(
                UnsafeRawBufferPointer(rebasing: row[key..<value]), UnsafeRawBufferPointer(rebasing: row[value...]),
                flags: integer(RowOffset.flags), create: integer(RowOffset.create), modify: integer(RowOffset.modify),
                order: integer(RowOffset.order), lock: integer(RowOffset.lock),
                session: UnsafeRawBufferPointer(rebasing: row[RowOffset.session..<key]),
                isDeleted: row[RowOffset.deleted] == 1)
        }
        guard let packed else { throw StoreError(.malformed, "a version of a key that is not one") }
        self.packed = packed
    }

    /// Bytes of the row.
    var rowCount: Int { RowOffset.session + packed.count - sessionStart }

    var row: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: rowCount) { buffer, initialized in
            writeRow(to: UnsafeMutableRawBufferPointer(buffer))
            initialized = rowCount
        }
    }

    private func writeRow(to buffer: UnsafeMutableRawBufferPointer) {
        var writer = RawWriter(buffer)
        writer.put(Self.format)
        writer.put(isDeleted ? 1 : 0 as UInt8)
        writer.put(flags)
        writer.put(create)
        writer.put(modify)
        writer.put(order)
        writer.put(lock)
        writer.put(UInt8(sessionLength))
        writer.put(integer(at: Offset.keyLength) as UInt16)
        packed.withUnsafeBytes { writer.put(UnsafeRawBufferPointer(rebasing: $0[sessionStart...])) }
    }

    /// The row's id: versions sort as they were made.
    var id: [UInt8] { place.id }

    static let idLength = 12

    fileprivate var place: Place { Place(modify: modify, order: order) }

    /// What stands for a version that is gone: it holds on to nothing of it.
    var removed: some PartRow { place }

    fileprivate struct Place: PartRow {
        let modify: UInt64
        let order: UInt32

        var id: [UInt8] { withID { Array($0) } }
        var row: [UInt8] { [] }

        func withID<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
            var id = (modify.bigEndian, order.bigEndian)
            return withUnsafeBytes(of: &id) { body(UnsafeRawBufferPointer(rebasing: $0[..<KeyVersion.idLength])) }
        }
    }

    /// What `id` was made of; nil for other bytes.
    static func place(id: [UInt8]) -> (revision: UInt64, order: UInt32)? {
        guard id.count == idLength else { return nil }
        return id.withUnsafeBytes {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            )
        }
    }

    /// Of the row, without an array for it.
    func rowHash(in part: String) -> UInt64 {
        withUnsafeTemporaryAllocation(byteCount: rowCount, alignment: 16) { row in
            writeRow(to: row)
            return place.withID { RowHash.of(part, id: $0, row: UnsafeRawBufferPointer(row)) }
        }
    }
}

/// Fills bytes from the front, integers little endian. Whoever gives them has counted.
private struct RawWriter {
    private let buffer: UnsafeMutableRawBufferPointer
    private var position = 0

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    mutating func put<Value: FixedWidthInteger>(_ value: Value) {
        buffer.storeBytes(of: value.littleEndian, toByteOffset: position, as: Value.self)
        position += MemoryLayout<Value>.size
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: buffer[position...]).copyMemory(from: bytes)
        position += bytes.count
    }
}

/// Keys compare byte by byte, not as text: two spellings of one letter are two keys.
enum KeyOrder {
    static func isBefore(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { right in isBefore(left, right) } }
    }

    static func isBefore(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        let common = min(left.count, right.count)
        if common > 0, let left = left.baseAddress, let right = right.baseAddress {
            let order = memcmp(left, right, common)
            if order != 0 { return order < 0 }
        }
        return left.count < right.count
    }
}
