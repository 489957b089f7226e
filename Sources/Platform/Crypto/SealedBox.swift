/// One message sealed with AES-256-GCM (NIST SP 800-38D). Who seals many with one key uses `RecordCipher`.
///
/// A sealed box is: version (1 byte), nonce (12 bytes, random), ciphertext, tag (16 bytes). With random nonces a key is good for
/// 2^32 boxes.
public enum SealedBox {
    /// Why a box could not be made or opened.
    public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        /// The key is not 32 bytes long.
        case keyLength(Int)
        /// The box is too short or of an unknown version.
        case malformed
        /// The key, the context or the box is not the one that belongs here.
        case notAuthentic
        /// Longer than 2^30 bytes.
        case tooLong

        public var description: String {
            switch self {
            case .keyLength(let length): "sealed box: a key of \(length) bytes instead of \(SealedBox.keyLength)"
            case .malformed: "sealed box: malformed"
            case .notAuthentic: "sealed box: not authentic (wrong key, or changed)"
            case .tooLong: "sealed box: too long"
            }
        }
    }

    public static let keyLength = RecordCipher.keyBytes
    /// How much longer a box is than what is in it.
    public static let overhead = 1 + RecordCipher.overhead
    private static let version: UInt8 = 1

    /// Seals; the context is not in the box, but it opens only with the same one.
    public static func seal(_ plain: [UInt8], key: [UInt8], context: [UInt8] = []) throws(Failure) -> [UInt8] {
        guard key.count == keyLength else { throw .keyLength(key.count) }
        guard max(plain.count, context.count) <= RecordCipher.maximumBytes else { throw .tooLong }
        let nonce = randomBytes(RecordCipher.nonceBytes)
        return [version] + RecordCipher(key: key).seal(plain, nonce: nonce, context: context)
    }

    /// What is in the box.
    public static func open(_ box: [UInt8], key: [UInt8], context: [UInt8] = []) throws(Failure) -> [UInt8] {
        guard key.count == keyLength else { throw .keyLength(key.count) }
        guard box.count >= overhead, box[0] == version else { throw .malformed }
        guard max(box.count - overhead, context.count) <= RecordCipher.maximumBytes else { throw .tooLong }
        guard let plain = RecordCipher(key: key).open(box[1...], context: context) else { throw .notAuthentic }
        return plain
    }
}
