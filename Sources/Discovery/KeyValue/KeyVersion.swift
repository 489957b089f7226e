import Glibc
import Store

/// One version of a key, held as the bytes that also go to the database: one allocation for all of it.
///
/// `format u8, isDeleted u8, flags u64, create u64, modify u64, order u32, lock u64, session length u8, key length u16`,
/// then session, key and value.
struct KeyVersion: TreeElement {
    private static let format: UInt8 = 1
    private enum Offset {
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

    let bytes: [UInt8]

    init(
        key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, flags: UInt64 = 0, create: UInt64, modify: UInt64,
        order: UInt32 = 0, lock: UInt64 = 0, session: String = "", isDeleted: Bool = false
    ) {
        let session = Array(session.utf8.prefix(Int(UInt8.max)))
        let count = Offset.session + session.count + key.count + value.count
        bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            func put(_ value: some FixedWidthInteger, at offset: Int) {
                raw.storeBytes(of: value.littleEndian, toByteOffset: offset, as: type(of: value))
            }
            put(Self.format, at: 0)
            put(isDeleted ? 1 : 0 as UInt8, at: Offset.deleted)
            put(flags, at: Offset.flags)
            put(create, at: Offset.create)
            put(modify, at: Offset.modify)
            put(order, at: Offset.order)
            put(lock, at: Offset.lock)
            put(UInt8(session.count), at: Offset.sessionLength)
            put(UInt16(truncatingIfNeeded: key.count), at: Offset.keyLength)
            var position = Offset.session
            for part in [session[...], key, value] {
                _ = UnsafeMutableRawBufferPointer(rebasing: raw[position...]).initializeMemory(
                    as: UInt8.self, fromContentsOf: part)
                position += part.count
            }
            initialized = count
        }
    }

    /// Takes apart nothing: checks that the lengths fit.
    init(row bytes: [UInt8]) throws {
        self.bytes = bytes
        guard bytes.count >= Offset.session, bytes[0] == Self.format, bytes.count >= valueStart else {
            throw StoreError(.malformed, "a version of a key that is not one")
        }
    }

    var isDeleted: Bool { bytes[Offset.deleted] == 1 }
    var flags: UInt64 { integer(at: Offset.flags) }
    /// The revision that made the key.
    var create: UInt64 { integer(at: Offset.create) }
    /// The revision of this version.
    var modify: UInt64 { integer(at: Offset.modify) }
    /// Its place among the changes of the revision.
    var order: UInt32 { integer(at: Offset.order) }
    /// How often the key was locked.
    var lock: UInt64 { integer(at: Offset.lock) }
    /// Who holds it; empty where nobody does.
    var session: String {
        String(decoding: bytes[Offset.session..<keyStart], as: UTF8.self)
    }
    var isHeld: Bool { bytes[Offset.sessionLength] > 0 }
    var key: ArraySlice<UInt8> { bytes[keyStart..<valueStart] }
    var value: ArraySlice<UInt8> { bytes[valueStart...] }
    var keyText: String { String(decoding: key, as: UTF8.self) }

    private var keyStart: Int { Offset.session + Int(bytes[Offset.sessionLength]) }
    private var valueStart: Int { keyStart + Int(integer(at: Offset.keyLength) as UInt16) }

    /// The same, said without its value.
    var withoutValue: KeyVersion {
        KeyVersion(
            key: key, value: [], flags: flags, create: create, modify: modify, order: order, lock: lock,
            session: session, isDeleted: isDeleted)
    }

    /// The row's id: versions sort as they were made.
    var rowID: [UInt8] { withRowID { Array($0) } }

    /// The same without an array, for as long as `body` takes.
    func withRowID<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var id = (modify.bigEndian, order.bigEndian)
        return withUnsafeBytes(of: &id) { body(UnsafeRawBufferPointer(rebasing: $0[..<12])) }
    }

    /// What `rowID` was made of; nil for other bytes.
    static func place(rowID: [UInt8]) -> (revision: UInt64, order: UInt32)? {
        guard rowID.count == 12 else { return nil }
        return rowID.withUnsafeBytes {
            (
                UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt32(bigEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            )
        }
    }

    func isSame(as other: KeyVersion) -> Bool { modify == other.modify && order == other.order }

    var treeKey: ArraySlice<UInt8> { key }
    /// Without the value.
    var separator: ArraySlice<UInt8> { Array(key)[...] }
    static func precedes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        KeyOrder.isBefore(left, right)
    }
    static func precedes(_ element: KeyVersion, key: ArraySlice<UInt8>) -> Bool {
        element.bytes.withUnsafeBytes { bytes in
            let start = Offset.session + Int(bytes[Offset.sessionLength])
            let count = Int(
                UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: Offset.keyLength, as: UInt16.self)))
            let own = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
            return key.withUnsafeBytes { KeyOrder.isBefore(own, $0) }
        }
    }

    private func integer<Value: FixedWidthInteger>(at offset: Int) -> Value {
        bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Value.self)) }
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
