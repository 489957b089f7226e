/// Tasks that are to stop and are not told so yet: the nodes that send them traffic hear of it first.
struct DrainPause {
    /// From the word to all nodes that a task takes no more traffic to the word to its own that it is to stop.
    static let length: Duration = .milliseconds(250)

    private var ends: [String: Duration] = [:]
    private(set) var held: Set<String> = []

    /// - Parameter leaving: all tasks that are to stop and are still running.
    /// - Returns: when to look again, if tasks were added.
    mutating func update(_ leaving: Set<String>, at now: Duration) -> Duration? {
        ends = ends.filter { leaving.contains($0.key) }
        var hasNews = false
        for id in leaving where ends[id] == nil {
            ends[id] = now + Self.length
            hasNews = true
        }
        held = Set(ends.filter { $0.value > now }.keys)
        return hasNews ? Self.length : nil
    }
}
