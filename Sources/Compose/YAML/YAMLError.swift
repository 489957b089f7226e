/// Why a text is not a YAML document that is taken, and where.
public struct YAMLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong with the text: its syntax, or more of something than is taken.
    public enum Code: String, Sendable {
        /// Not YAML.
        case syntax
        /// More, deeper or longer than is taken.
        case limit
        case duplicateKey
        case unknownAlias
        /// An alias inside of what it stands for.
        case recursiveAlias
        /// `<<` with something else than mappings.
        case badMerge
        case severalDocuments
        /// A scalar that does not fit its explicit tag.
        case badScalar
    }

    public let code: Code
    public let message: String
    public let mark: YAMLMark

    public init(_ code: Code, _ message: String, at mark: YAMLMark) {
        self.code = code
        self.message = message
        self.mark = mark
    }

    public var description: String { "line \(mark.line), column \(mark.column): \(message)" }
}

/// A place in a text; both count from 1, columns in characters.
public struct YAMLMark: Sendable, Hashable {
    public let line: Int
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}
