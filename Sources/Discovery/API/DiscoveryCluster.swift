public import HTTP
public import Store

/// What the discovery API needs of the member it runs on.
public protocol DiscoveryCluster: Sendable {
    var store: Store { get }
    var proposer: any Proposer { get }
    /// Wakes those who wait for a change of the store.
    var watches: WatchHub { get }
    /// Keeps the time of sessions while this member leads.
    var sessions: SessionKeeper { get }
    /// The leader's address, `IP:PORT`, if one is known.
    var leaderAddress: String? { get }
    /// Those of all voting members, sorted.
    var peerAddresses: [String] { get }
    /// What this node is called.
    var nodeName: String { get }
    /// This member leads, and its state shows all that was committed before it did.
    var isLeading: Bool { get }
    /// This member leads, and by its lease nobody else can have been elected: what its state shows afterwards includes all that was
    /// acknowledged before. False also where it is not known.
    var holdsLease: Bool { get }
    /// Some member leads, as far as this one knows.
    var knowsLeader: Bool { get }
    /// Since this member heard of the leader; zero on the leader itself.
    var lastContact: Duration { get }
    /// Returns once the state shows everything that was acknowledged before the call; throws where this member does not lead.
    func confirmLeadership() async throws
    /// Has the leader answer, where it is another member or is being elected.
    func forward(_ request: HTTPRequest) async throws -> HTTPResponse
}
