/// What went wrong in the store: a code, what and which object, and the cause where there is one.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for those who act on it.
    public enum Code: Sendable, Equatable {
        /// Another write came first, or a name is taken; see `conflict`.
        case conflict
        /// Bytes that are not a command, an object or a snapshot of this format.
        case malformed
        /// A command kind or a table of a newer version: the member must stop.
        case unknownKind
        /// Not every manager knows the command's kind yet; nothing was proposed.
        case notYetKnown
        /// More writes in one transaction than a proposal carries.
        case tooManyWrites
        /// An entry at or below the applied index.
        case outOfOrder
        /// The database's rows are not what was written.
        case damaged
        /// The database is sealed with a key that this node does not have.
        case wrongKey
        /// The database behind the state.
        case database
    }

    public let code: Code
    public let message: String
    public let conflict: Conflict?
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, conflict: Conflict? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.conflict = conflict
        self.cause = cause
    }

    public init(_ conflict: Conflict) {
        self.init(.conflict, conflict.description, conflict: conflict)
    }

    /// Whether what a storage holds already keeps it from taking more.
    var isUnreadable: Bool { code == .damaged || code == .malformed }

    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}

/// Why a command was not applied: the state it was computed from is no longer the state.
public struct Conflict: Error, Sendable, Equatable, CustomStringConvertible {
    /// Why a conflict is one; the raw value is part of the wire format.
    public enum Reason: UInt8, Sendable {
        /// The object changed since.
        case changed = 1
        /// It was to be created and is there.
        case exists = 2
        /// It was to be changed and is gone.
        case missing = 3
        /// Another object has the name.
        case nameTaken = 4
    }

    public let reason: Reason
    public let table: String
    public let id: String
    /// The name in question, where it is about one.
    public let name: String?

    public init(_ reason: Reason, table: String, id: String, name: String? = nil) {
        self.reason = reason
        self.table = table
        self.id = id
        self.name = name
    }

    public var description: String {
        switch reason {
        case .changed: "\(table) \(id) was changed meanwhile"
        case .exists: "\(table) \(id) exists already"
        case .missing: "\(table) \(id) is gone"
        case .nameTaken: "the name \(name ?? "") is taken by another \(table)"
        }
    }
}
