/// A word of the Engine API that clients written in Go send as an empty string where they leave it out.
public protocol AbsentWhenEmpty: RawRepresentable<String>, Decodable {}

extension KeyedDecodingContainer {
    /// Nil for an absent, null or empty word.
    func decodeIfPresent<Word: AbsentWhenEmpty>(_ type: Word.Type, forKey key: Key) throws -> Word? {
        guard let text = try decodeIfPresent(String.self, forKey: key), !text.isEmpty else { return nil }
        guard let word = Word(rawValue: text) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self, debugDescription: "'\(text)' is not one of the words that are possible here")
        }
        return word
    }
}
