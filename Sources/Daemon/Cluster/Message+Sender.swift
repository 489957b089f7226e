import Platform
import Raft

extension Message {
    /// A message as it came over a connection: from nobody but the member at its other end.
    ///
    /// - Throws: `ChannelError.notAuthentic` for one in another's name.
    init(decoding bytes: [UInt8], sentBy peer: PeerIdentity) throws {
        try self.init(decoding: bytes)
        guard from == NodeID(of: peer) else { throw ChannelError.notAuthentic }
    }
}
