/// Which command kinds and tables a manager understands, as a number that grows with every version that brings new ones. Each manager
/// announces its own; a kind is proposed only once all of them have reached its level, or one that does not know it would stop.
public enum CommandLevel {
    /// This version's. Raised by whoever adds a kind, and given to that kind.
    public static let current = 7
    /// Of the first version whose managers seal their keys when the state says so; another would drop the word of it.
    public static let autolock = 3
    /// Of the first version whose managers hold tokens to the labels in their policies.
    public static let labelledPolicies = 5
    /// Of the first version whose managers promise their leader to depose it no sooner than its lease ends.
    public static let leases = 6
    /// Of the first version whose managers note which clients' certificates are issued, and which were taken back.
    public static let clientCertificates = 7
    /// That of managers that announce none.
    public static let first = 1
}
