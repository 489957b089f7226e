internal import CLinux
internal import Glibc

/// What is known of the terminal behind a descriptor.
public enum Terminal {
    /// The width where there is none to ask: that of a terminal of old.
    public static let standardWidth = 80

    /// True for a terminal, false for a file or pipe.
    public static func isInteractive(_ descriptor: Int32 = 1) -> Bool { isatty(descriptor) == 1 }

    /// Columns of the terminal; nil where the descriptor is none. `COLUMNS` overrules.
    public static func width(_ descriptor: Int32 = 1) -> Int? {
        guard isInteractive(descriptor) else { return nil }
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), (10...10_000).contains(columns) {
            return columns
        }
        var size = winsize()
        guard cl_ioctl_pointer(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return standardWidth }
        return Int(size.ws_col)
    }

    /// Writes text to a descriptor, as much as it takes; a reader that has gone is no failure.
    public static func write(_ text: String, to descriptor: Int32 = 1) {
        try? Files.write(descriptor, [UInt8](text.utf8))
    }

    /// The text without what would command the terminal: control characters become spaces.
    public static func harmless(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(isControl(scalar) ? " " : scalar) }
        return String(result)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x202a...0x202e).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value)
    }

    /// How many columns a text takes.
    public static func columns(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + columns($1) }
    }

    private static func columns(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        switch scalar.value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
            0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f680...0x1f6ff, 0x1f900...0x1faff,
            0x20000...0x3fffd:
            return 2
        case 0x200b...0x200f, 0xfe00...0xfe0f: return 0
        default: return 1
        }
    }

    /// The text cut to so many columns, the last of them then an ellipsis.
    public static func truncated(_ text: String, to width: Int) -> String {
        guard columns(text) > width else { return text }
        guard width > 0 else { return "" }
        var result = ""
        var used = 0
        for character in text {
            let next = columns(character)
            if used + next > width - 1 { break }
            result.append(character)
            used += next
        }
        return result + "…"
    }
}
