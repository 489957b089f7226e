/// A part of the state that keeps its rows in a form of its own: a value, cheap to copy, changed only by its command kinds.
public protocol StatePart: Sendable {
    /// Names its rows in snapshots and in the database.
    static var name: String { get }

    init()

    /// Takes a row back that `rows` gave or a `RowWrite` wrote; rows come in the order of their ids, or in that of `rows`.
    mutating func load(id: [UInt8], row: [UInt8]) throws

    /// Calls `body` with all rows, in an order that is the same on all members, until it returns false.
    ///
    /// - Parameter place: begins behind the row that this was returned for; nil begins with the first.
    /// - Returns: the place of the row for which `body` returned false; nil at the end.
    func rows(after place: [UInt8]?, _ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Bool) rethrows -> [UInt8]?

    /// Whether a row of that id comes behind all others that it is true of, and never changes: the database keeps those together.
    static func isAppended(_ id: [UInt8]) -> Bool

    /// Calls `body` with all rows, those that are appended in the order of their ids.
    func forEachRowAsAppended(_ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Void) rethrows

    /// The sum of `RowHash.of` of all rows, kept as they are put and removed.
    var rowsHash: UInt64 { get }

    /// A row that changes with nearly every command, and so is no `RowWrite`: the database gets it as it is when it is written.
    var summary: (id: [UInt8], row: [UInt8])? { get }
}

extension StatePart {
    public var summary: (id: [UInt8], row: [UInt8])? { nil }
    /// Of no row, unless the part says otherwise.
    public static func isAppended(_ id: [UInt8]) -> Bool { false }
    /// In the order of `rows`.
    public func forEachRowAsAppended(_ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Void) rethrows {
        try forEachRow(body)
    }

    /// Calls `body` with all rows.
    public func forEachRow(_ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Void) rethrows {
        _ = try rows(after: nil) { id, row in
            try body(id, row)
            return true
        }
    }
}

/// Stands in the place of a part that is being changed.
struct AbsentPart: StatePart {
    static let name = ""
    var rowsHash: UInt64 { 0 }
    mutating func load(id: [UInt8], row: [UInt8]) throws {}
    func rows(after place: [UInt8]?, _ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Bool) rethrows -> [UInt8]? {
        nil
    }
}

/// A row of a part, in a form that the part chose: its bytes are made when somebody wants them.
public protocol PartRow: Sendable {
    var id: [UInt8] { get }
    var row: [UInt8] { get }
}

/// What a command did to one row of a part.
public struct RowWrite: Sendable {
    public let part: String
    /// What was put, or what was removed.
    public let content: any PartRow
    public let isRemoved: Bool

    public init(part: String, put content: any PartRow) {
        (self.part, self.content, isRemoved) = (part, content, false)
    }

    /// Nobody will ask for the row, only for its id.
    public init(part: String, removed content: any PartRow) {
        (self.part, self.content, isRemoved) = (part, content, true)
    }

    /// - Parameter row: nil removes it.
    public init(part: String, id: [UInt8], row: [UInt8]?) {
        (self.part, content, isRemoved) = (part, Plain(id: id, row: row ?? []), row == nil)
    }

    public var id: [UInt8] { content.id }
    /// Nil where it is removed.
    public var row: [UInt8]? { isRemoved ? nil : content.row }

    private struct Plain: PartRow {
        let id: [UInt8]
        let row: [UInt8]
    }
}

/// Hears of the applied changes of parts, on the thread that applies: it must not take long.
public protocol PartObserver: AnyObject, Sendable {
    /// The writes of one transaction; the store shows them already.
    func applied(_ writes: [RowWrite], revision: UInt64)
    /// The state was replaced as a whole.
    func replaced()
}
