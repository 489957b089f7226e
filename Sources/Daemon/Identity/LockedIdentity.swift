import Model
import Platform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An identity whose keys are sealed: what `identity.json` holds while managers lock themselves. Who the node is, is plain.
///
/// The private key and the data keys are one `SealedBox`, for a key that HKDF makes of the unlock key and a salt that is drawn
/// whenever the file is written. The node's id is its context.
struct LockedIdentity: Codable, Sendable {
    static let format = 5

    private(set) var format = LockedIdentity.format
    /// The identity without its keys.
    let identity: NodeIdentity
    /// The version of the cluster's secrets that the unlock key is of.
    let version: UInt64
    private let salt: String
    private let sealed: String

    private struct Keys: Codable {
        let privateKey: String
        let dataKeys: [DataKey]
    }

    init(_ identity: NodeIdentity, with key: UnlockKey, version: UInt64) throws {
        var plain = identity
        // The key comes first, then the certificates, which are no secret.
        let certificates = identity.credentials.firstRange(of: "-----BEGIN CERTIFICATE-----")
        let split = certificates?.lowerBound ?? identity.credentials.endIndex
        let keys = Keys(privateKey: String(identity.credentials[..<split]), dataKeys: identity.dataKeys)
        plain.credentials = String(identity.credentials[split...])
        plain.dataKeys = []
        let salt = randomBytes(32)
        let box = try SealedBox.seal(
            Array(JSONEncoder().encode(keys)), key: Self.key(key, salt), context: Self.context(identity.nodeID))
        self.identity = plain
        self.version = version
        self.salt = Digest.hex(salt)
        sealed = Digest.hex(box)
    }

    /// Nil where that is not the key.
    ///
    /// - Throws: `ConfigurationError` where the file is damaged, whatever the key.
    func open(with key: UnlockKey) throws -> NodeIdentity? {
        guard let salt = Digest.bytes(hex: salt), let box = Digest.bytes(hex: sealed), salt.count == 32 else {
            throw ConfigurationError("the sealed keys in identity.json are damaged; restore it from a backup")
        }
        let keys: Keys
        do {
            let plain = try SealedBox.open(
                box, key: Self.key(key, salt), context: Self.context(identity.nodeID))
            keys = try JSONDecoder().decode(Keys.self, from: Data(plain))
        } catch is SealedBox.Failure { return nil }
        var opened = identity
        opened.credentials = keys.privateKey + identity.credentials
        opened.dataKeys = keys.dataKeys
        return opened
    }

    private static func key(_ key: UnlockKey, _ salt: [UInt8]) -> [UInt8] {
        HKDF.sha256(secret: key.bytes, salt: salt, info: Array("martlet identity".utf8))
    }

    private static func context(_ nodeID: String) -> [UInt8] { Array(nodeID.utf8) }
}
