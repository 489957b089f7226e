internal import Synchronization

/// A key that a node seals what it keeps with; never used itself, but for deriving others.
public struct DataKey: Sendable, Hashable {
    /// Counts the keys of a node, from 1 to `maximumNumber`.
    public let number: UInt32
    /// 32 bytes.
    public let bytes: [UInt8]

    /// What files have room for.
    public static let maximumNumber: UInt32 = 1 << 24 - 1

    /// Nil for what is no key: another length or number.
    public init?(number: UInt32, bytes: [UInt8]) {
        guard (1...Self.maximumNumber).contains(number), bytes.count == RecordCipher.keyBytes else { return nil }
        self.number = number
        self.bytes = bytes
    }

    private init(drawn number: UInt32) {
        self.number = number
        bytes = randomBytes(RecordCipher.keyBytes)
    }

    /// The first key of a node.
    public static func first() -> DataKey { DataKey(drawn: 1) }

    /// A key that takes this one's place; nil where there have been too many.
    public func successor() -> DataKey? { number < Self.maximumNumber ? DataKey(drawn: number + 1) : nil }

    /// The key for one file, or for what else is sealed together: `place` says which one, and must differ from every other's.
    public func cipher(for purpose: String, at place: [UInt8]) -> RecordCipher {
        RecordCipher(key: HKDF.sha256(secret: bytes, salt: place, info: [UInt8](purpose.utf8)))
    }
}

extension DataKey: Codable {
    private enum CodingKeys: String, CodingKey { case number, key }

    /// Number, and hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        let bytes = Digest.bytes(hex: try values.decode(String.self, forKey: .key))
        guard let key = DataKey(number: try values.decode(UInt32.self, forKey: .number), bytes: bytes ?? []) else {
            throw DecodingError.dataCorruptedError(forKey: .key, in: values, debugDescription: "not a data key")
        }
        self = key
    }

    /// As `init(from:)` reads it. Only for files that are kept as keys are.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(number, forKey: .number)
        try values.encode(Digest.hex(bytes), forKey: .key)
    }
}

/// Says which, and not what.
extension DataKey: CustomStringConvertible {
    public var description: String { "data key \(number)" }
}

/// The data keys of a node: the newest seals, and the earlier ones open what they have sealed.
public final class DataKeys: Sendable {
    private let keys: Mutex<[DataKey]>

    /// Nil without a key, or with two of a number.
    public init?(_ keys: [DataKey]) {
        guard !keys.isEmpty, Set(keys.map(\.number)).count == keys.count else { return nil }
        self.keys = Mutex(keys.sorted { $0.number < $1.number })
    }

    /// Of one key.
    public init(_ key: DataKey) { keys = Mutex([key]) }

    /// In the order of their numbers.
    public var all: [DataKey] { keys.withLock { $0 } }

    /// What seals from now on.
    public var newest: DataKey { keys.withLock { $0[$0.count - 1] } }

    /// Nil where there is none of that number.
    public func key(_ number: UInt32) -> DataKey? { keys.withLock { $0.first { $0.number == number } } }

    /// From now on the key seals; it is kept already where it is needed to open what it will have sealed. Earlier numbers than the
    /// newest's change nothing.
    public func add(_ key: DataKey) {
        keys.withLock { if key.number > $0[$0.count - 1].number { $0.append(key) } }
    }

    /// Forgets the keys before this one: nothing is sealed with them any more.
    public func forget(before number: UInt32) {
        keys.withLock { keys in keys = keys.dropLast().filter { $0.number >= number } + keys.suffix(1) }
    }
}
