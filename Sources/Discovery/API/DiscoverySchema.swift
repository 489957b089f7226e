public import Store

/// What a member's store must know to serve the discovery API.
public enum DiscoverySchema {
    public static let kinds: [any CommandKind] = [
        KeyValueCommand(), TransactionCommand(), SessionCommand(),
    ]
    public static let parts: [any StatePart.Type] = [KeyValueState.self, SessionState.self]
}
