import Platform
import Testing

@Suite struct DataKeysTests {
    private let key = [UInt8](0..<32)

    @Test(arguments: [0, 1, 15, 16, 300, 70_000]) func recordsAreSealedAndOpened(length: Int) {
        let cipher = RecordCipher(key: key)
        let plain = randomBytes(length)
        for number in 0..<3 as Range<UInt8> {
            let nonce = [UInt8](repeating: number, count: RecordCipher.nonceBytes)
            let record = cipher.seal(plain, nonce: nonce, context: [1, 2])
            #expect(record.count == length + RecordCipher.overhead)
            #expect(cipher.open(record, context: [1, 2]) == plain)
            #expect(cipher.open(record, context: []) == nil)
            #expect(cipher.open(record, context: [1, 2]) == plain, "one that did not open leaves nothing behind")
            #expect(RecordCipher(key: key).open(record[...], context: [1, 2]) == plain)
            #expect(RecordCipher(key: [9] + key[1...]).open(record, context: [1, 2]) == nil)
        }
    }

    @Test func noBitOfARecordMayChange() {
        let cipher = RecordCipher(key: key)
        let record = cipher.seal([1, 2, 3], nonce: [UInt8](repeating: 0, count: 12), context: [])
        for index in record.indices {
            var changed = record
            changed[index] ^= 1
            #expect(cipher.open(changed, context: []) == nil)
            #expect(cipher.open(record[..<index], context: []) == nil)
        }
    }

    @Test func keysFollowEachOther() throws {
        let first = DataKey.first()
        let keys = DataKeys(first)
        #expect(keys.newest == first && first.number == 1)
        let second = try #require(first.successor())
        keys.add(second)
        keys.add(first)
        #expect(keys.newest == second && keys.key(1) == first && keys.key(3) == nil)
        keys.forget(before: 2)
        #expect(keys.all == [second])
        keys.forget(before: 9)
        #expect(keys.all == [second], "one stays")
        #expect(DataKeys([]) == nil && DataKeys([first, first]) == nil)
        #expect(DataKey(number: 0, bytes: key) == nil && DataKey(number: 1, bytes: [1]) == nil)
        #expect(DataKey(number: DataKey.maximumNumber, bytes: key)?.successor() == nil)
    }

    /// As another implementation of HKDF and AES-GCM computes it: what was sealed must open for ever.
    @Test func derivationIsGolden() throws {
        let key = try #require(DataKey(number: 1, bytes: key))
        let record = key.cipher(for: "martlet test", at: [1, 2, 3])
            .seal([UInt8]("martlet".utf8), nonce: [UInt8](0..<12), context: [UInt8]("ctx".utf8))
        #expect(Digest.hex(record) == Self.golden)
    }

    private static let golden = "000102030405060708090a0b377147011e8cb76c01489a5889cff71da3aa15b403bca2"
}
