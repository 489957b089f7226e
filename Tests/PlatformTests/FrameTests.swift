import Synchronization
import TestSupport
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

    /// Whole frames and damaged ones, in pieces: what comes out is never longer than allowed, and an error is final.
    @Test func garbageNeverTraps() async throws {
        let frames = [0, 1, 40, 900].map { count in
            var bytes: [UInt8] = []
            for type in 0..<3 as Range<UInt8> {
                Frame(type: type, payload: Array(repeating: type, count: count)).encode(into: &bytes)
            }
            return bytes
        }
        let whole = Atomic(0)
        let refused = Atomic(0)
        let mutator = Mutator(frames, spice: [[0, 0, 0], [0, 0, 0, 1], [255, 255, 255, 255]], seed: 1)
        try await mutator.feed { bytes, mutator in
            var decoder = FrameDecoder(payloadLimit: 1000)
            for piece in mutator.pieces(of: bytes) {
                decoder.append(piece)
                do {
                    while let frame = try decoder.next() {
                        #expect(frame.payload.count <= 1000)
                        whole.add(1, ordering: .relaxed)
                    }
                } catch {
                    refused.add(1, ordering: .relaxed)
                    return
                }
            }
        }
        #expect(whole.load(ordering: .relaxed) > 0 && refused.load(ordering: .relaxed) > 0)
    }
}
