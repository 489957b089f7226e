import Testing

@testable import Platform

@Suite struct FrameTests {
    @Test func goldenBytes() throws {
        var bytes: [UInt8] = []
        Frame(type: 7, payload: [UInt8]("abc".utf8)).encode(into: &bytes)
        #expect(Digest.hex(bytes) == "0000000307486fc007616263")
    }

    @Test(arguments: [1, 5, 9, 64, 100_000]) func framesComeWholeFromPieces(piece: Int) throws {
        let frames = [0, 1, 8, 9, 10, 5000].map { Frame(type: UInt8($0 & 7), payload: randomBytes($0)) }
        var bytes: [UInt8] = []
        for frame in frames { frame.encode(into: &bytes) }
        var decoder = FrameDecoder(payloadLimit: 5000)
        var decoded: [Frame] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            decoder.append(Array(bytes[start..<min(bytes.count, start + piece)]))
            while let frame = try decoder.next() { decoded.append(frame) }
        }
        #expect(decoded == frames)
        #expect(decoder.isAtBoundary)
    }

    @Test func tooLongIsKnownFromTheFirstFourBytes() throws {
        var decoder = FrameDecoder(payloadLimit: 100)
        decoder.append([0, 0, 0, 101])
        #expect(throws: ChannelError.frameTooLong(101)) { try decoder.next() }
        var huge = FrameDecoder(payloadLimit: 100)
        huge.append([255, 255, 255, 255])
        #expect(throws: ChannelError.self) { try huge.next() }
    }

    @Test func noBitMayChange() throws {
        var bytes: [UInt8] = []
        Frame(type: 1, payload: [1, 2, 3, 4]).encode(into: &bytes)
        for bit in 0..<bytes.count * 8 {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            var decoder = FrameDecoder(payloadLimit: 1000)
            decoder.append(changed)
            let frame = try? decoder.next()
            #expect(frame == nil)
        }
    }

    @Test func garbageIsNoCrash() {
        for _ in 0..<2000 {
            var decoder = FrameDecoder(payloadLimit: 1000)
            for _ in 0..<5 {
                decoder.append((Bool.random() ? [0, 0, 0] : []) + randomBytes(Int.random(in: 0..<40)))
                while let frame = try? decoder.next() { #expect(frame.payload.count <= 1000) }
            }
        }
    }
}
