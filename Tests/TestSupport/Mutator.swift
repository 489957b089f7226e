import Foundation
import Platform

/// Damages messages of any protocol in the ways that parsers get wrong: flipped, lost, doubled and spliced bytes, a cut, a
/// piece of another message, and bits of the protocol's own grammar where they do not belong.
public struct Mutator: Sendable {
    /// How long each parser is fed: `MARTLET_FUZZ_SECONDS`, ten seconds unless it is set.
    public static let duration: Duration = .seconds(
        ProcessInfo.processInfo.environment["MARTLET_FUZZ_SECONDS"].flatMap { Int($0) } ?? 10)

    private let corpus: [[UInt8]]
    private let spice: [[UInt8]]
    public var random: Seeded

    /// - Parameters:
    ///   - corpus: whole messages, good and bad.
    ///   - spice: what means something in the protocol.
    public init(_ corpus: [[UInt8]], spice: [[UInt8]], seed: UInt64) {
        self.corpus = corpus
        self.spice = spice
        random = Seeded(seed)
    }

    /// The next message: one of the corpus, damaged once to four times; now and then nothing but noise.
    public mutating func next() -> [UInt8] {
        if Int.random(in: 0..<16, using: &random) == 0 { return random.bytes(Int.random(in: 0...600, using: &random)) }
        var bytes = corpus.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(contentsOf: spice.randomElement(using: &random) ?? [], at: place)
            case 4: bytes = Array(bytes[..<place])
            case 5: bytes.replaceSubrange(place..., with: bytes[place...] + bytes[place...].prefix(100))
            default:
                let other = corpus.randomElement(using: &random) ?? []
                bytes = Array(bytes[..<place]) + other.suffix(Int.random(in: 0...other.count, using: &random))
            }
        }
        return bytes
    }

    /// The bytes in pieces of one to 64, as a network may deliver them.
    public mutating func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...64, using: &random))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        return pieces
    }

    /// Damaged messages one after the other for `duration`, on a thread of its own; answers how many there were.
    @discardableResult
    public consuming func feed(
        _ parser: @escaping @Sendable (_ bytes: [UInt8], _ mutator: inout Mutator) -> Void
    ) async throws -> Int {
        let start = self
        return try await runOnThread(named: "mutator") {
            var mutator = start
            let end = ContinuousClock.now + Self.duration
            var count = 0
            while ContinuousClock.now < end {
                for _ in 0..<100 {
                    let bytes = mutator.next()
                    parser(bytes, &mutator)
                    count += 1
                }
            }
            return count
        }
    }
}
