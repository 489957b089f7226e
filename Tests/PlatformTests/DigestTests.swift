import Platform
import Testing

@testable import Platform

@Suite struct DigestTests {
    /// FIPS 180-2, appendix B.1.
    @Test func sha256OfAKnownText() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(Digest.hex(Digest.sha256("abc")) == expected)
        var hasher = Digest.SHA256Hasher()
        hasher.update([UInt8]("a".utf8))
        hasher.update([UInt8]("xbcx".utf8)[1...2])
        #expect(Digest.hex(hasher.finish()) == expected)
    }

    /// RFC 4231, test case 2.
    @Test func hmacOfAKnownText() {
        let mac = Digest.hmacSHA256(key: [UInt8]("Jefe".utf8), message: [UInt8]("what do ya want for nothing?".utf8))
        #expect(Digest.hex(mac) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test func hexadecimalThereAndBack() {
        #expect(Digest.bytes(hex: "00fFa5") == [0, 255, 0xa5])
        #expect(Digest.bytes(hex: "0") == nil)
        #expect(Digest.bytes(hex: "0g") == nil)
        #expect(Digest.constantTimeEqual([1, 2], [1, 2]))
        #expect(!Digest.constantTimeEqual([1, 2], [1, 3]))
        #expect(!Digest.constantTimeEqual([1, 2], [1]))
    }

    /// RFC 3720, appendix B.4.
    @Test func crc32cOfKnownBytes() {
        #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(CRC32C.checksum([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(CRC32C.checksum(Array(0..<32)) == 0x46dd_794e)
        #expect(CRC32C.checksum([UInt8]()) == 0)
        let bytes = randomBytes(1001)
        let whole = CRC32C.checksum(bytes)
        #expect(CRC32C.checksum(bytes[333...], seed: CRC32C.checksum(bytes[..<333])) == whole)
        #expect(bytes.withUnsafeBytes { CRC32C.tableChecksum($0, seed: 0) } == whole)
    }

    @Test func identifiersHaveTheirShape() {
        let names = Set((0..<200).map { _ in Identifier.random() })
        #expect(names.count == 200)
        #expect(names.allSatisfy { $0.wholeMatch(of: /[0-9a-z]{25}/) != nil })
        #expect(Identifier.randomHex(bytes: 6).wholeMatch(of: /[0-9a-f]{12}/) != nil)
        #expect(randomBytes(0).isEmpty)
    }

    @Test func base36IsTheNumberInDigits() {
        #expect(Digest.base36([0]) == "00")
        #expect(Digest.base36([35]) == "0z")
        #expect(Digest.base36([255]) == "73")
        #expect(Digest.base36([1, 0]) == "0074")
        #expect(
            Digest.base36([UInt8](repeating: 255, count: 32)) == "6dp5qcb22im238nr3wvp0ic7q99w035jmy2iw7i6n43d37jtof")
    }
}
