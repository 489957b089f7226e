/// Blanks comments and the contents of string literals, keeping every line break, so that braces and words can be read
/// off what is left. Code interpolated into strings is blanked too.
struct CodeScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var output: [UInt8] = []

    static func blank(_ text: String) -> String {
        var scanner = CodeScanner(bytes: Array(text.utf8))
        scanner.scan()
        return String(decoding: scanner.output, as: UTF8.self)
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        output.reserveCapacity(bytes.count)
    }

    private mutating func scan() {
        while position < bytes.count {
            if starts(with: "//") {
                while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blankOne() }
            } else if starts(with: "/*") {
                blankComment()
            } else if bytes[position] == UInt8(ascii: "\"") || startsRawString {
                blankString()
            } else {
                output.append(bytes[position])
                position += 1
            }
        }
    }

    private mutating func blankComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                blankOne()
            } else if starts(with: "*/") {
                depth -= 1
                blankOne()
            }
            blankOne()
        } while depth > 0 && position < bytes.count
    }

    private mutating func blankString() {
        var pounds = 0
        while peek(0) == UInt8(ascii: "#") {
            pounds += 1
            blankOne()
        }
        let fence = String(repeating: "#", count: pounds)
        let long = starts(with: "\"\"\"")
        let close = (long ? "\"\"\"" : "\"") + fence
        for _ in 0..<(long ? 3 : 1) { blankOne() }
        while position < bytes.count, !starts(with: close) {
            if !long, bytes[position] == UInt8(ascii: "\n") { return }
            if starts(with: "\\" + fence) {
                for _ in 0...pounds { blankOne() }
                if peek(0) == UInt8(ascii: "(") { blankInterpolation() } else { blankOne() }
            } else {
                blankOne()
            }
        }
        for _ in 0..<close.utf8.count { blankOne() }
    }

    private mutating func blankInterpolation() {
        var depth = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                blankString()
                continue
            }
            if byte == UInt8(ascii: "(") { depth += 1 }
            if byte == UInt8(ascii: ")") { depth -= 1 }
            blankOne()
            if depth == 0 { return }
        }
    }

    private mutating func blankOne() {
        guard position < bytes.count else { return }
        output.append(bytes[position] == UInt8(ascii: "\n") ? UInt8(ascii: "\n") : UInt8(ascii: " "))
        position += 1
    }

    private var startsRawString: Bool {
        guard peek(0) == UInt8(ascii: "#") else { return false }
        var ahead = 0
        while peek(ahead) == UInt8(ascii: "#") { ahead += 1 }
        return peek(ahead) == UInt8(ascii: "\"")
    }

    private func peek(_ ahead: Int) -> UInt8? { position + ahead < bytes.count ? bytes[position + ahead] : nil }

    private func starts(with text: String) -> Bool { bytes[position...].starts(with: text.utf8) }
}
