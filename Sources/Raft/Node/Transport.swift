/// Carries messages to other members, or loses them: the protocol bears loss, delay, repetition and reordering.
public protocol Transport: AnyObject {
    /// Must not block. `address` is the peer's in the configuration that the sender knows, nil if it knows none.
    func send(_ message: Message, to peer: NodeID, address: String?)
}
