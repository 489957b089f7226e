/// What a manager seals its log, snapshots and database with (`GET /swarm/data-key`; Docker has no word for it): numbers, not keys.
public struct DataKeyStatus: Codable, Sendable, Equatable {
    /// The key that seals.
    public var newest: UInt32
    /// Those that are kept because something may be sealed with them.
    public var former: [UInt32]

    public init(newest: UInt32, former: [UInt32]) {
        self.newest = newest
        self.former = former
    }

    enum CodingKeys: String, CodingKey {
        case newest = "Newest"
        case former = "Former"
    }
}
