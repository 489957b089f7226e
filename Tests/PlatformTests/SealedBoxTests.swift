import Platform
import Testing

@Suite struct SealedBoxTests {
    private let key = [UInt8](0..<32)

    @Test(arguments: [0, 1, 16, 100_000]) func sealsAndOpens(length: Int) throws {
        let plain = randomBytes(length)
        let box = try SealedBox.seal(plain, key: key, context: [1, 2])
        #expect(box.count == length + SealedBox.overhead)
        #expect(try SealedBox.open(box, key: key, context: [1, 2]) == plain)
        #expect(try SealedBox.seal(plain, key: key, context: [1, 2]) != box)
        #expect(throws: SealedBox.Failure.notAuthentic) { try SealedBox.open(box, key: key, context: [1]) }
        #expect(throws: SealedBox.Failure.notAuthentic) {
            try SealedBox.open(box, key: [9] + key[1...], context: [1, 2])
        }
    }

    @Test func noBitMayChange() throws {
        let box = try SealedBox.seal([1, 2, 3], key: key)
        for index in box.indices {
            var changed = box
            changed[index] ^= 1
            #expect(throws: SealedBox.Failure.self) { try SealedBox.open(changed, key: key) }
            #expect(throws: SealedBox.Failure.self) { try SealedBox.open(Array(box[..<index]), key: key) }
        }
        #expect(throws: SealedBox.Failure.keyLength(3)) { try SealedBox.open(box, key: [1, 2, 3]) }
    }

    /// Version, nonce, ciphertext and tag as another implementation makes them for key 0…31, nonce 0…11.
    @Test func opensAGoldenBox() throws {
        let box = try #require(
            Digest.bytes(hex: "01000102030405060708090a0b" + "2a63a46fa980b65f795ffb50460a80e9bcfd4b69d83eef"))
        #expect(try SealedBox.open(box, key: key, context: [UInt8]("ctx".utf8)) == [UInt8]("martlet".utf8))
    }

    /// RFC 5869, appendix A.1 and A.3.
    @Test func hkdfOfKnownSecrets() {
        let secret = [UInt8](repeating: 0x0b, count: 22)
        let first = HKDF.sha256(
            secret: secret, salt: [UInt8](0...12), info: [UInt8](0xf0...0xf9), length: 42)
        #expect(
            Digest.hex(first)
                == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865")
        let second = HKDF.sha256(secret: secret, info: [], length: 42)
        #expect(
            Digest.hex(second)
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
    }
}
