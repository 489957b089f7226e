internal import Platform
public import Store

/// The sessions that are alive, and the keys whose locks wait because a holder's session ended.
public struct SessionState: StatePart {
    public static let name = "session"

    enum Limits {
        /// Sessions at a time; further ones are refused.
        static let sessions = 100_000
    }

    private var sessions = OrderedTree<KeySession>()
    private var delays = OrderedTree<LockDelay>()
    /// The sum of the sessions' and delays' hashes.
    private var hash: UInt64 = 0
    /// The revision of the last session that was made or ended.
    private(set) var lastChange: UInt64 = 0
    /// Differs from every earlier state's of this process: what is derived need not be derived again while it is the same.
    private(set) var stamp: UInt64 = 0

    public init() {}

    var count: Int { sessions.count }

    func session(_ id: String) -> KeySession? { sessions.find(id) }

    /// In the order of ids.
    var all: [KeySession] {
        var all: [KeySession] = []
        sessions.visit {
            all.append($0)
            return true
        }
        return all
    }

    func delay(of key: ArraySlice<UInt8>) -> LockDelay? { delays.find(key) }

    /// In the order of keys.
    var allDelays: [LockDelay] {
        var all: [LockDelay] = []
        delays.visit {
            all.append($0)
            return true
        }
        return all
    }

    // MARK: Changes, each with the rows that differ

    mutating func put(_ session: KeySession) -> [RowWrite] {
        keep(session)
        return [RowWrite(part: Self.name, id: Self.id(of: session), row: session.row), changed(at: session.modify)]
    }

    mutating func remove(_ session: KeySession, at revision: UInt64) -> [RowWrite] {
        drop(session)
        return [RowWrite(part: Self.name, id: Self.id(of: session), row: nil), changed(at: revision)]
    }

    mutating func put(_ delay: LockDelay) -> [RowWrite] {
        keep(delay)
        stamp &+= 1
        return [RowWrite(part: Self.name, id: Self.id(of: delay), row: delay.row)]
    }

    /// Ends the delay, unless the key has a newer one.
    mutating func endDelay(of key: [UInt8], from revision: UInt64) -> [RowWrite] {
        guard let delay = delay(of: key[...]), delay.revision == revision else { return [] }
        drop(delay)
        stamp &+= 1
        return [RowWrite(part: Self.name, id: Self.id(of: delay), row: nil)]
    }

    private mutating func keep(_ session: KeySession) {
        if let old = self.session(session.id) { drop(old) }
        sessions.put(session)
        hash &+= Self.hash(session)
    }

    private mutating func drop(_ session: KeySession) {
        guard let held = self.session(session.id) else { return }
        hash &-= Self.hash(held)
        sessions.remove(held.id)
    }

    private mutating func keep(_ delay: LockDelay) {
        if let old = self.delay(of: delay.key[...]) { drop(old) }
        delays.put(delay)
        hash &+= Self.hash(delay)
    }

    private mutating func drop(_ delay: LockDelay) {
        hash &-= Self.hash(delay)
        delays.remove(delay.key[...])
    }

    private static func hash(_ session: KeySession) -> UInt64 {
        RowHash.of(name, id: id(of: session), row: session.row)
    }

    private static func hash(_ delay: LockDelay) -> UInt64 { RowHash.of(name, id: id(of: delay), row: delay.row) }

    private mutating func changed(at revision: UInt64) -> RowWrite {
        lastChange = revision
        stamp &+= 1
        return RowWrite(part: Self.name, id: [RowKind.lastChange.rawValue], row: lastChangeRow)
    }

    // MARK: Rows

    /// The first byte of a row's id.
    private enum RowKind: UInt8 {
        /// Then the session's id.
        case session = 1
        /// Then the key.
        case delay = 2
        case lastChange = 3
    }

    private static func id(of session: KeySession) -> [UInt8] { [RowKind.session.rawValue] + Array(session.id.utf8) }
    private static func id(of delay: LockDelay) -> [UInt8] { [RowKind.delay.rawValue] + delay.key }

    /// Whether the row is about which sessions there are.
    static func isSessions(_ write: RowWrite) -> Bool {
        write.part == name && write.id == [RowKind.lastChange.rawValue]
    }

    private var lastChangeRow: [UInt8] {
        var writer = ByteWriter()
        writer.integer(lastChange)
        return writer.bytes
    }

    /// Takes a row back in, as it was given out; throws `StoreError` `.malformed`.
    public mutating func load(id: [UInt8], row: [UInt8]) throws {
        stamp &+= 1
        switch id.first.flatMap(RowKind.init) {
        case .session:
            let session = try KeySession(row: row)
            guard Self.id(of: session) == id else { throw StoreError(.malformed, "a session under another's id") }
            keep(session)
        case .delay: keep(try LockDelay(key: Array(id.dropFirst()), row: row))
        case .lastChange:
            var reader = ByteReader(row[...])
            lastChange = try reader.integer()
        case nil: throw StoreError(.unknownKind, "a session's row of a kind that is not known to this version")
        }
    }

    /// Of everything that `rows` gives out.
    public var rowsHash: UInt64 {
        lastChange > 0
            ? hash &+ RowHash.of(Self.name, id: [RowKind.lastChange.rawValue], row: lastChangeRow) : hash
    }

    /// By kind, then by what follows it.
    public func rows(
        after place: [UInt8]?, _ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Bool
    ) rethrows -> [UInt8]? {
        let kind = place?.first ?? 0
        let rest = Array(place?.dropFirst() ?? [])
        var last: [UInt8]?
        if kind <= RowKind.session.rawValue {
            let from = kind == 0 ? nil : String(decoding: rest, as: UTF8.self)
            try sessions.visit(from: from) { session in
                let id = Self.id(of: session)
                if try session.id == from || body(id, session.row) { return true }
                last = id
                return false
            }
        }
        if last == nil, kind <= RowKind.delay.rawValue {
            let from = kind == RowKind.delay.rawValue ? rest[...] : nil
            try delays.visit(from: from) { delay in
                let id = Self.id(of: delay)
                if try delay.key[...] == from || body(id, delay.row) { return true }
                last = id
                return false
            }
        }
        if let last { return last }
        let id = [RowKind.lastChange.rawValue]
        guard lastChange > 0, kind < RowKind.lastChange.rawValue else { return nil }
        return try body(id, lastChangeRow) ? nil : id
    }
}
