internal import Glibc
internal import Synchronization

/// Writes one structured line a message to standard error: `time=… level=… component=… msg="…" key=value`.
public struct Logger: Sendable {
    /// How much a message matters.
    public enum Level: UInt8, Sendable, Comparable, CaseIterable {
        case debug, info, warning, error

        /// `debug`, `info`, `warning` (also `warn`), `error`.
        public init?(name: String) {
            switch name.lowercased() {
            case "debug": self = .debug
            case "info": self = .info
            case "warning", "warn": self = .warning
            case "error": self = .error
            default: return nil
            }
        }

        public var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .warning: "warning"
            case .error: "error"
            }
        }

        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    /// How a line looks.
    public enum Format: UInt8, Sendable {
        case text, json
    }

    /// What a message says besides its text, in the order given.
    public typealias Fields = KeyValuePairs<String, any CustomStringConvertible & Sendable>

    private static let minimum = Atomic<UInt8>(Level.info.rawValue)
    private static let form = Atomic<UInt8>(Format.text.rawValue)

    /// The part of the program that speaks.
    public let component: String

    public init(_ component: String) { self.component = component }

    /// The least level that is written, by the whole process; `info` at first.
    public static var level: Level {
        get { Level(rawValue: minimum.load(ordering: .relaxed)) ?? .info }
        set { minimum.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// How lines look, by the whole process; `text` at first.
    public static var format: Format {
        get { Format(rawValue: form.load(ordering: .relaxed)) ?? .text }
        set { form.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// For those who look for a cause: what a loop decides.
    public func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if Self.level <= .debug { write(.debug, message(), fields()) }
    }

    /// What an operator wants to have read afterwards.
    public func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if Self.level <= .info { write(.info, message(), fields()) }
    }

    /// What is wrong and is worked around, or tried again.
    public func warning(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        if Self.level <= .warning { write(.warning, message(), fields()) }
    }

    /// What is wrong and stays so until somebody does something.
    public func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> Fields = [:]) {
        write(.error, message(), fields())
    }

    private func write(_ level: Level, _ message: String, _ fields: Fields) {
        var line = Self.line(
            at: WallClock.now(), level, component: component, message, fields, format: Self.format)
        // One write(2) a line, so that lines of several threads do not mix.
        line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    static func line(
        at time: Timestamp, _ level: Level, component: String, _ message: String, _ fields: Fields, format: Format
    ) -> String {
        var line = ""
        switch format {
        case .text:
            line = "time=\(time) level=\(level.name) component=\(component) msg=\(JSONText.quoted(message))"
            for (key, value) in fields {
                let text = value.description
                line += " \(key)=\(isPlain(text) ? text : JSONText.quoted(text))"
            }
        case .json:
            line = "{\"time\":\"\(time)\",\"level\":\"\(level.name)\",\"component\":\(JSONText.quoted(component))"
            line += ",\"msg\":\(JSONText.quoted(message))"
            for (key, value) in fields {
                line += ",\(JSONText.quoted(key)):\(JSONText.quoted(value.description))"
            }
            line += "}"
        }
        return line + "\n"
    }

    /// True for a value that needs no quotes in a text line.
    private static func isPlain(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x3d && $0 != 0x5c }
    }
}
