import Model

/// One condition on a node: `node.labels.zone==a`, `node.role!=manager` (the grammar of `docker service create --constraint`).
///
/// Values compare without regard to the case of letters; a label that a node lacks is an empty value, so `!=` holds for it.
public struct Constraint: Sendable, Equatable, CustomStringConvertible {
    /// Bytes of the longest constraint that is read.
    public static let maximumLength = 1_024

    /// What of a node is compared.
    public enum Subject: Sendable, Hashable {
        case nodeID
        case hostname
        case role
        case operatingSystem
        case architecture
        case nodeLabel(String)
        case engineLabel(String)
    }

    /// `==` or `!=`, as users write it.
    public enum Comparison: String, Sendable {
        case equal = "=="
        case notEqual = "!="
    }

    public let subject: Subject
    public let comparison: Comparison
    public let value: String
    public let description: String

    /// Reads a constraint as users write it; spaces around the parts do not count.
    public init(_ text: String) throws(ConstraintError) {
        guard text.utf8.count <= Constraint.maximumLength else {
            throw ConstraintError(constraint: String(text.prefix(64)) + "…", reason: .tooLong)
        }
        let characters = Array(text.utf8)
        guard let position = Constraint.firstOperator(in: characters),
            let comparison = Comparison(
                rawValue: String(decoding: characters[position..<(position + 2)], as: UTF8.self))
        else {
            throw ConstraintError(constraint: text, reason: .noOperator)
        }
        let key = Constraint.trimmed(characters[..<position])
        let value = Constraint.trimmed(characters[(position + 2)...])
        guard key.utf8.count > 1, key.utf8.enumerated().allSatisfy({ Constraint.isKeyByte($1, first: $0 == 0) }) else {
            throw ConstraintError(constraint: text, reason: .badKey(key))
        }
        guard !value.isEmpty, value.utf8.allSatisfy(Constraint.isValueByte) else {
            throw ConstraintError(constraint: text, reason: .badValue(value))
        }
        guard let subject = Subject(key) else {
            throw ConstraintError(constraint: text, reason: .unknownKey(key))
        }
        self.subject = subject
        self.comparison = comparison
        self.value = value
        self.description = "\(key)\(comparison.rawValue)\(value)"
    }

    /// Whether the node fulfils it.
    public func isSatisfied(by node: NodeTraits) -> Bool {
        let actual = subject.value(on: node)
        let isEqual =
            subject == .architecture
            ? normalizedArchitecture(actual) == normalizedArchitecture(value) : folded(actual) == folded(value)
        return isEqual == (comparison == .equal)
    }

    /// Where `==` or `!=` begins, whichever comes first.
    private static func firstOperator(in bytes: [UInt8]) -> Int? {
        let equals = UInt8(ascii: "=")
        return bytes.indices.dropLast().first {
            bytes[$0 + 1] == equals && (bytes[$0] == equals || bytes[$0] == UInt8(ascii: "!"))
        }
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        let tail = bytes.drop(while: isSpace)
        let end = tail.lastIndex { !isSpace($0) }.map { $0 + 1 } ?? tail.startIndex
        return String(decoding: tail[tail.startIndex..<end], as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isKeyByte(_ byte: UInt8, first: Bool) -> Bool {
        isLetter(byte) || byte == UInt8(ascii: "_") || !first && (isDigit(byte) || "-./".utf8.contains(byte))
    }

    private static func isValueByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte) || #":-_ .*()?+[]\^$|/@,"#.utf8.contains(byte)
    }
}

extension Constraint.Subject {
    /// The subject that a key names; the fixed words are read without regard to case, names of labels with it.
    init?(_ key: String) {
        switch folded(key) {
        case "node.id": self = .nodeID
        case "node.hostname": self = .hostname
        case "node.role": self = .role
        case "node.platform.os": self = .operatingSystem
        case "node.platform.arch": self = .architecture
        case let text where text.hasPrefix("node.labels.") && text.utf8.count > 12:
            self = .nodeLabel(String(key.dropFirst(12)))
        case let text where text.hasPrefix("engine.labels.") && text.utf8.count > 14:
            self = .engineLabel(String(key.dropFirst(14)))
        default: return nil
        }
    }

    /// What the node has there; empty for a label that it lacks.
    func value(on node: NodeTraits) -> String {
        switch self {
        case .nodeID: node.id
        case .hostname: node.hostname
        case .role: node.role.rawValue
        case .operatingSystem: node.platform.os ?? ""
        case .architecture: node.platform.architecture ?? ""
        case .nodeLabel(let name): node.labels[name] ?? ""
        case .engineLabel(let name): node.engineLabels[name] ?? ""
        }
    }
}

/// ASCII letters in lower case.
func folded(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) else { return text }
    return String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
}

/// The name that images use for what `uname -m` says: `amd64` for `x86_64`, `arm64` for `aarch64`.
func normalizedArchitecture(_ text: String) -> String {
    switch folded(text) {
    case "x86_64", "x86-64": "amd64"
    case "aarch64": "arm64"
    case "i386", "i686": "386"
    case "armv6l", "armv7l", "armhf": "arm"
    case let other: other
    }
}
