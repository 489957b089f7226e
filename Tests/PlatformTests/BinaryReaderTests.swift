import TestSupport
import Testing

@testable import Platform

@Suite struct BinaryReaderTests {
    private struct Malformed: MalformedBytesError {
        let message: String
        static func malformed(_ message: String) -> Malformed { Malformed(message: message) }
    }

    private typealias Reader = BinaryReader<Malformed>

    @Test func whatIsWrittenIsReadBack() throws {
        var writer = ByteWriter(reserving: 10)
        writer.integer(UInt8(7))
        writer.integer(Int64(-2))
        writer.string("Käse")
        writer.data([1, 2, 3])
        writer.raw([9, 9])
        writer.pad(to: 40)
        writer.pad(to: 3)
        #expect(writer.bytes.count == 40)
        // Also where the bytes do not begin at index 0.
        var reader = Reader(([0, 0] + writer.bytes)[2...])
        #expect(try reader.integer(UInt8.self) == 7 && reader.integer(Int64.self) == -2)
        #expect(try reader.string() == "Käse" && reader.data(limit: 3) == [1, 2, 3])
        #expect(try reader.raw(2) == [9, 9])
        #expect(reader.remaining == 40 - 1 - 8 - 9 - 7 - 2 && reader.rest.allSatisfy { $0 == 0 })
        #expect(throws: Malformed.self) { try reader.expectEnd() }
        _ = try reader.raw(reader.remaining)
        #expect(reader.isAtEnd)
        try reader.expectEnd()
    }

    @Test func goldenBytes() {
        var writer = ByteWriter()
        writer.integer(UInt32(0x0102_0304))
        writer.string("ab")
        writer.data([5])
        #expect(Digest.hex(writer.bytes) == "04030201" + "02000000" + "6162" + "01000000" + "05")
    }

    @Test func whatIsNotThereIsNotRead() {
        for bytes in [[], [1], [255, 255, 255, 255], [2, 0, 0, 0, 1], [1, 0, 0, 0, 0xff]] as [[UInt8]] {
            #expect(throws: Malformed.self) {
                var reader = Reader(bytes)
                _ = try reader.string()
            }
        }
        #expect(throws: Malformed.self) {
            var reader = Reader([3, 0, 0, 0, 1, 2, 3])
            _ = try reader.data(limit: 2)
        }
        #expect(throws: Malformed.self) {
            var reader = Reader([1, 2])
            _ = try reader.raw(-1)
        }
        #expect(throws: Malformed.self) {
            var reader = Reader([1, 2, 3, 4])
            try reader.skip()
        }
    }

    @Test func garbageNeverTraps() {
        var random = Seeded(3)
        for _ in 0..<5_000 {
            var reader = Reader((0..<random.next() % 40).map { _ in UInt8(truncatingIfNeeded: random.next() % 5) })
            for _ in 0..<20 {
                switch random.next() % 6 {
                case 0: _ = try? reader.integer(UInt16.self)
                case 1: _ = try? reader.integer(UInt64.self)
                case 2: _ = try? reader.string()
                case 3: _ = try? reader.data(limit: 3)
                case 4: try? reader.skip()
                default: _ = try? reader.raw(Int(truncatingIfNeeded: random.next() % 9))
                }
            }
        }
    }
}
