/// Sizes in bytes as users write them and as Docker prints them.
enum ByteSize {
    /// Bytes of `512M`, `2 GB`, `1.5GiB` or `1024`: units count by 1,024, as for Docker's memory limits. Nil for
    /// anything else.
    static func parse(_ text: String) -> Int64? {
        guard text.utf8.count <= 64 else { return nil }
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits) else { return nil }
        var unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()[...]
        if unit.hasSuffix("ib") { unit = unit.dropLast(2) } else if unit.hasSuffix("b") { unit = unit.dropLast() }
        let power: Int
        switch unit {
        case "": power = 0
        case "k": power = 1
        case "m": power = 2
        case "g": power = 3
        case "t": power = 4
        case "p": power = 5
        default: return nil
        }
        var bytes = number
        for _ in 0..<power { bytes *= 1024 }
        return bytes < 9.2e18 ? Int64(bytes) : nil
    }

    /// `4.26MB`: four significant digits and units of 1,000, as Docker prints image sizes.
    static func decimal(_ bytes: Int64) -> String { text(bytes, 1000, ["B", "kB", "MB", "GB", "TB", "PB"]) }

    /// `1.5GiB`: units of 1,024, as Docker prints memory.
    static func binary(_ bytes: Int64) -> String { text(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]) }

    private static func text(_ bytes: Int64, _ step: Double, _ units: [String]) -> String {
        var value = Double(bytes)
        var index = 0
        while value >= step, index < units.count - 1 {
            value /= step
            index += 1
        }
        let whole = String(Int64(value.magnitude)).count
        var scale = 1.0
        for _ in 0..<max(0, min(3, 4 - whole)) { scale *= 10 }
        var digits = "\((value * scale).rounded() / scale)"
        if digits.hasSuffix(".0") { digits.removeLast(2) }
        return digits + units[index]
    }
}
