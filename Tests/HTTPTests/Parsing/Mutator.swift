/// Damages messages in the ways that parsers get wrong.
enum Mutator {
    private static let spice: [[UInt8]] = [
        [0], [0x0A], [0x0D], [0x0D, 0x0A], [0x20], [0x09], [0x3A], [0xFF], [0x7F], Array("chunked".utf8),
        Array("Content-Length: 7\r\n".utf8), Array("Transfer-Encoding: chunked\r\n".utf8),
        Array("fffffffffffffff\r\n".utf8), Array("99999999999999999999".utf8), Array("%".utf8), Array("HTTP/1.1".utf8),
        Array("Connection: upgrade\r\nUpgrade: tcp\r\n".utf8), Array("Expect: 100-continue\r\n".utf8),
    ]

    static func mutate(_ corpus: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = corpus.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: spice.randomElement(using: &random) ?? [], at: place)
            case 4: bytes = Array(bytes[..<place])
            default:
                let other = corpus.randomElement(using: &random) ?? []
                bytes = Array(bytes[..<place]) + other.suffix(Int.random(in: 0...other.count, using: &random))
            }
        }
        return bytes
    }

    static func cut(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...64, using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }
}
