/// Who gets a command replicated: consensus, or the store itself where there is only one member.
public protocol Proposer: Sendable {
    /// Returns the bytes that `Store.apply` returned for the command, once it is committed and applied there.
    ///
    /// Throws when it is not known to be committed: no leader, overloaded, timed out.
    func propose(_ command: [UInt8]) async throws -> [UInt8]
}
