import Platform
import Store

/// A client that may hold keys. While it is there it is alive: what ends it also lets go of its keys.
struct KeySession: TreeElement, Equatable {
    /// What becomes of its keys at its end.
    enum Behavior: UInt8, Sendable {
        case release = 1
        case delete = 2

        var text: String { self == .release ? "release" : "delete" }
    }

    var id: String
    var name = ""
    /// The name of the node it lives on.
    var node = ""
    var behavior = Behavior.release
    /// As its client spelled it; empty where it does not end by itself.
    var ttlText = ""
    /// Zero where it does not end by itself.
    var ttl = Duration.zero
    /// How long nobody gets its keys after its end.
    var lockDelay = Duration.zero
    /// Health checks that it depends on.
    var checks: [String] = []
    /// The revisions that made and changed it.
    var create: UInt64 = 0
    var modify: UInt64 = 0

    private static let format: UInt8 = 1

    /// `format u8, id, name, node, behavior u8, TTL text, TTL ns i64, delay ns i64, checks (u16 count), create u64,
    /// modify u64`; strings after their u32 length.
    var row: [UInt8] {
        var writer = ByteWriter()
        writer.integer(Self.format)
        for text in [id, name, node] { writer.string(text) }
        writer.integer(behavior.rawValue)
        writer.string(ttlText)
        writer.integer(ttl.nanoseconds)
        writer.integer(lockDelay.nanoseconds)
        writer.integer(UInt16(clamping: checks.count))
        for check in checks.prefix(Int(UInt16.max)) { writer.string(check) }
        writer.integer(create)
        writer.integer(modify)
        return writer.bytes
    }

    init(id: String) { self.id = id }

    var treeKey: String { id }
    static func precedes(_ left: String, _ right: String) -> Bool { left < right }

    init(row: [UInt8]) throws {
        var reader = ByteReader(row[...])
        guard try reader.integer(UInt8.self) == Self.format else {
            throw StoreError(.unknownKind, "a session's row of a format that is not known to this version")
        }
        id = try reader.string()
        name = try reader.string()
        node = try reader.string()
        guard let behavior = Behavior(rawValue: try reader.integer()) else {
            throw StoreError(.malformed, "session \(id) has an unknown behavior")
        }
        self.behavior = behavior
        ttlText = try reader.string()
        ttl = .nanoseconds(try reader.integer(Int64.self))
        lockDelay = .nanoseconds(try reader.integer(Int64.self))
        for _ in 0..<(try reader.integer(UInt16.self)) { checks.append(try reader.string()) }
        create = try reader.integer()
        modify = try reader.integer()
    }
}

/// A key that nobody may lock for a while, because its holder's session ended.
struct LockDelay: TreeElement, Equatable {
    var key: [UInt8]
    /// The revision at which the session ended.
    var revision: UInt64
    var delay: Duration

    /// `format u8, revision u64, delay ns i64`.
    var row: [UInt8] {
        var writer = ByteWriter()
        writer.integer(UInt8(1))
        writer.integer(revision)
        writer.integer(delay.nanoseconds)
        return writer.bytes
    }

    var treeKey: ArraySlice<UInt8> { key[...] }
    static func precedes(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        KeyOrder.isBefore(left, right)
    }

    init(key: [UInt8], revision: UInt64, delay: Duration) {
        self.key = key
        self.revision = revision
        self.delay = delay
    }

    init(key: [UInt8], row: [UInt8]) throws {
        var reader = ByteReader(row[...])
        guard try reader.integer(UInt8.self) == 1 else {
            throw StoreError(.unknownKind, "a lock delay's row of a format that is not known to this version")
        }
        self.key = key
        revision = try reader.integer()
        delay = .nanoseconds(try reader.integer(Int64.self))
    }
}
