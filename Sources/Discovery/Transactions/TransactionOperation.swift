internal import Platform
import Store

/// One operation of a transaction.
struct TransactionOperation: Sendable, Equatable {
    /// The verbs of Consul's transactions, as the command carries them.
    enum Verb: UInt8, CaseIterable, Sendable {
        case set = 1
        case checkAndSet = 2
        case lock = 3
        case unlock = 4
        case get = 5
        case getOrEmpty = 6
        case getTree = 7
        case checkIndex = 8
        case checkSession = 9
        case checkNotExists = 10
        case delete = 11
        case deleteTree = 12
        case checkAndDelete = 13

        var text: String {
            switch self {
            case .set: "set"
            case .checkAndSet: "cas"
            case .lock: "lock"
            case .unlock: "unlock"
            case .get: "get"
            case .getOrEmpty: "get-or-empty"
            case .getTree: "get-tree"
            case .checkIndex: "check-index"
            case .checkSession: "check-session"
            case .checkNotExists: "check-not-exists"
            case .delete: "delete"
            case .deleteTree: "delete-tree"
            case .checkAndDelete: "delete-cas"
            }
        }

        init?(text: String) {
            guard let verb = Self.allCases.first(where: { $0.text == text }) else { return nil }
            self = verb
        }

        /// Changes nothing.
        var isRead: Bool {
            switch self {
            case .get, .getOrEmpty, .getTree, .checkIndex, .checkSession, .checkNotExists: true
            default: false
            }
        }

        /// Is about all keys that begin so.
        var isTree: Bool { self == .getTree || self == .deleteTree }
    }

    var verb: Verb
    var key: [UInt8]
    var value: [UInt8] = []
    var flags: UInt64 = 0
    var index: UInt64 = 0
    var session = ""

    /// `verb u8, flags u64, index u64, key, session, value`, each of these after its u32 length.
    func write(to writer: inout ByteWriter) {
        writer.integer(verb.rawValue)
        writer.integer(flags)
        writer.integer(index)
        writer.data(key)
        writer.string(session)
        writer.data(value)
    }

    init(verb: Verb, key: [UInt8]) {
        self.verb = verb
        self.key = key
    }

    init(from reader: inout ByteReader) throws {
        guard let verb = Verb(rawValue: try reader.integer()) else {
            throw StoreError(.unknownKind, "a verb of a transaction that is not known to this version")
        }
        self.verb = verb
        flags = try reader.integer()
        index = try reader.integer()
        key = try reader.data()
        session = try reader.string()
        value = try reader.data()
    }
}
