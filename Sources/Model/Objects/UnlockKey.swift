internal import FoundationEssentials
internal import Platform

/// What opens the keys of managers that lock themselves (Engine API `UnlockKey`): `SWMKEY-1-` and 32 bytes in Base64 without
/// padding. Operators keep it; it is in the managers' state, and on no disk in the clear.
public struct UnlockKey: Sendable, Equatable {
    private static let prefix = "SWMKEY-1-"
    /// Longer texts are no key.
    private static let maximumBytes = 100

    /// 32 bytes.
    public let bytes: [UInt8]

    /// A new one.
    public static func random() -> UnlockKey { UnlockKey(randomBytes(RecordCipher.keyBytes)) }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Nil for what is no key; spaces and line ends around it are taken for slips of the hand.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        var text = text[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        guard text.hasPrefix(Self.prefix) else { return nil }
        var digits = String(text.dropFirst(Self.prefix.count))
        while digits.utf8.count % 4 != 0 { digits += "=" }
        guard let data = Data(base64Encoded: digits), data.count == RecordCipher.keyBytes else { return nil }
        bytes = [UInt8](data)
    }

    /// As operators write it.
    public var text: String {
        Self.prefix + String(Data(bytes).base64EncodedString().prefix { $0 != "=" })
    }
}

/// Says nothing of it.
extension UnlockKey: CustomStringConvertible, CustomReflectable {
    public var description: String { "an unlock key" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
