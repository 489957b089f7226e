/// A part of the state that keeps its rows in a form of its own: a value, cheap to copy, changed only by its command kinds.
public protocol StatePart: Sendable {
    /// Names its rows in snapshots and in the database.
    static var name: String { get }

    init()

    /// Takes a row back that `forEachRow` gave or a `RowWrite` wrote; rows come in the order of their ids.
    mutating func load(id: [UInt8], row: [UInt8]) throws

    /// The sum of `RowHash.of` of all rows, kept as they are put and removed.
    var rowsHash: UInt64 { get }

    /// All rows, in the order of their ids.
    func forEachRow(_ body: (_ id: [UInt8], _ row: [UInt8]) throws -> Void) rethrows
}

/// What a command did to one row of a part.
public struct RowWrite: Sendable {
    public let part: String
    public let id: [UInt8]
    /// Nil removes it.
    public let row: [UInt8]?

    public init(part: String, id: [UInt8], row: [UInt8]?) {
        self.part = part
        self.id = id
        self.row = row
    }
}

/// Hears of the applied changes of parts, on the thread that applies: it must not take long.
public protocol PartObserver: AnyObject, Sendable {
    /// The writes of one transaction; the store shows them already.
    func applied(_ writes: [RowWrite], revision: UInt64)
    /// The state was replaced as a whole.
    func replaced()
}
