internal import Model
internal import Platform
internal import Store

/// What one round of planners works on: the state as of a revision with the writes they add to it. A draft that is
/// thrown away leaves nothing behind.
struct Draft {
    private(set) var transaction: Transaction
    /// The time of day, for what objects say.
    let now: Timestamp
    /// The leader's monotonic clock, for what it remembers itself.
    let monotonic: Duration
    private let identifiers: any IdentifierSource
    /// When a service is to be looked at again though nothing changed; by service id.
    private(set) var deadlines: [String: Timestamp] = [:]

    init(_ snapshot: Snapshot, now: Timestamp, monotonic: Duration, identifiers: any IdentifierSource) {
        self.transaction = Transaction(snapshot, at: now)
        self.now = now
        self.monotonic = monotonic
        self.identifiers = identifiers
    }

    /// With the writes so far.
    var snapshot: Snapshot { transaction.snapshot }

    func newID() -> String { identifiers.next() }

    mutating func put(_ object: some ClusterObject) {
        // Planners give no names, so none can be taken.
        do { try transaction.put(object) } catch { preconditionFailure("a planner renamed \(object.id): \(error)") }
    }

    mutating func delete(task id: String) {
        guard let task = snapshot.get(ClusterTask.self, id) else { return }
        do { try transaction.remove(task) } catch { preconditionFailure("a planner renamed a network: \(error)") }
    }

    /// Notes that addresses are given up.
    mutating func rest(_ addresses: [(networkID: String, address: String)]) {
        do { try transaction.rest(addresses) } catch { preconditionFailure("a planner renamed a network: \(error)") }
    }

    /// Has the service looked at again at `instant`, or earlier if others asked for that.
    mutating func wake(_ serviceID: String, at instant: Timestamp) {
        deadlines[serviceID] = min(deadlines[serviceID] ?? instant, instant)
    }

    /// What the task is told to become; never back.
    mutating func desire(_ state: TaskState, of task: ClusterTask) {
        guard var current = snapshot.get(ClusterTask.self, task.id), current.desiredState < state else { return }
        current.desiredState = state
        put(current)
    }
}
