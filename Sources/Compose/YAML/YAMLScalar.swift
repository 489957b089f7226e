/// A scalar: its text, and what that means by the core schema (YAML 1.2.2, 10.3.2).
///
/// Only `true` and `false` are booleans (not `yes` or `on`), and `22:22` is a string. As compose files are read everywhere, an
/// integer with a leading zero is octal (`mode: 0440`).
public struct YAMLScalar: Sendable, Equatable {
    /// What the text means.
    public enum Value: Sendable, Equatable {
        case null
        case boolean(Bool)
        case integer(Int64)
        case float(Double)
        case string(String)
    }

    /// As it was written, without quotes and escapes.
    public let text: String
    public let value: Value

    /// A scalar without a tag: plain ones are resolved, quoted ones and blocks are strings.
    init(_ text: String, isPlain: Bool) {
        self.text = text
        value = isPlain ? YAMLScalar.resolve(text) : .string(text)
    }

    /// A scalar with an explicit tag of the core schema; nil where the text does not fit it. Other tags mean strings.
    init?(_ text: String, tag: String) {
        self.text = text
        let resolved = YAMLScalar.resolve(text)
        switch (tag, resolved) {
        case ("tag:yaml.org,2002:null", .null), ("tag:yaml.org,2002:bool", .boolean),
            ("tag:yaml.org,2002:int", .integer), ("tag:yaml.org,2002:float", .float):
            value = resolved
        case ("tag:yaml.org,2002:float", .integer(let number)):
            value = .float(Double(number))
        case ("tag:yaml.org,2002:null", _), ("tag:yaml.org,2002:bool", _), ("tag:yaml.org,2002:int", _),
            ("tag:yaml.org,2002:float", _):
            return nil
        default:
            value = .string(text)
        }
    }

    static func resolve(_ text: String) -> Value {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        default: break
        }
        guard let first = text.utf8.first, isDigit(first) || "+-.".utf8.contains(first), text.utf8.count <= 64 else {
            return .string(text)
        }
        if let number = integer(text) { return .integer(number) }
        if isFloat(text), let number = Double(text) { return .float(number) }
        return .string(text)
    }

    private static func integer(_ text: String) -> Int64? {
        if text.hasPrefix("0x") { return unsigned(text.dropFirst(2), radix: 16) }
        if text.hasPrefix("0o") { return unsigned(text.dropFirst(2), radix: 8) }
        let digits = text.first == "+" || text.first == "-" ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy(isDigit) else { return nil }
        let isOctal = digits.utf8.count > 1 && digits.first == "0" && !digits.utf8.contains { $0 > UInt8(ascii: "7") }
        return Int64(text, radix: isOctal ? 8 : 10)
    }

    private static func unsigned(_ digits: Substring, radix: Int) -> Int64? {
        // A sign between prefix and digits would be read by the initializer.
        guard let first = digits.first, first != "+", first != "-" else { return nil }
        return Int64(digits, radix: radix)
    }

    /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
    private static func isFloat(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func digits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        func skip(_ bytes: String.UTF8View) -> Bool {
            guard let first = rest.first, bytes.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = skip("+-".utf8)
        let whole = digits()
        let fraction = skip(".".utf8) ? digits() : 0
        guard whole + fraction > 0 else { return false }
        if skip("eE".utf8) {
            _ = skip("+-".utf8)
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
