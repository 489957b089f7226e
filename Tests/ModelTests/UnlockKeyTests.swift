import Model
import Testing

@Suite struct UnlockKeyTests {
    @Test func isWrittenAndRead() throws {
        let key = UnlockKey.random()
        #expect(key.text.hasPrefix("SWMKEY-1-") && key.text.utf8.count == 52)
        #expect(UnlockKey(key.text) == key)
        #expect(UnlockKey("  \(key.text)\r\n") == key)
        #expect(UnlockKey(key.text + "=") == key)
        #expect(UnlockKey.random() != key)
        #expect("\(key)" == "an unlock key")
    }

    /// As Docker writes 32 bytes from 0 to 31.
    @Test func isSpelledAsDockerDoes() {
        #expect(UnlockKey("SWMKEY-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?.bytes == [UInt8](0..<32))
    }

    @Test(arguments: [
        "", "SWMKEY-1-", "SWMKEY-1", "SWMKEY-2-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "SWMKEY-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
        "SWMKEY-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A", "SWMKEY-1-%%%", "SWMKEY-1-\u{0}",
        "swmkey-1-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", String(repeating: "A", count: 1_000_000),
    ]) func whatIsNoneIsRefused(text: String) {
        #expect(UnlockKey(text) == nil)
    }
}
