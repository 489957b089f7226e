public import Platform

/// What a member's log and snapshots are sealed with.
public struct FileSealing: Sendable {
    /// The newest seals; older ones open what they have sealed, until that is written anew.
    public let keys: DataKeys
    /// Draws bytes for nonces and salts.
    let draw: @Sendable (Int) -> [UInt8]

    /// By default by the kernel's random bytes; a simulation has others, which must not repeat either.
    public init(_ keys: DataKeys, draw: @escaping @Sendable (Int) -> [UInt8] = { randomBytes($0) }) {
        self.keys = keys
        self.draw = draw
    }

    func nonce() -> [UInt8] { draw(RecordCipher.nonceBytes) }
}

extension FileSealing? {
    /// The key of that number; nil for 0, which stands for what is plain.
    ///
    /// Throws `wrongKey` where this member does not have it.
    func key(_ number: UInt32, for what: String) throws(RaftError) -> DataKey? {
        guard number != 0 else { return nil }
        guard let key = self?.keys.key(number) else {
            throw RaftError(
                .wrongKey,
                "\(what) is sealed with data key \(number), which this node does not have: is this another node's folder?"
            )
        }
        return key
    }
}
