/// How a leader makes sure that a read is not stale.
public enum ReadConsistency: Sendable {
    /// A quorum confirms, after the call, that this member still leads. Right whatever clocks do.
    case quorum
    /// By the leader's lease: a quorum answered a heartbeat that was sent so recently that nobody else can have been elected
    /// since. No message is needed. Right as long as clocks differ by no more than `RaftSettings.clockDriftPercent`, which
    /// a virtual machine that is halted from outside may break. Without a lease, as `quorum`.
    case lease
}
