import Model
import Raft
import Store

/// Reads by the leader's lease rest on promises, and on members that know what those are.
extension ManagerRole {
    /// Has this manager read by its lease where it leads: if it is to, and once all managers have said that they know.
    nonisolated func allowLeases() {
        raft.allowLeases(environment.configuration.readsByLease && members.level().level >= CommandLevel.leases)
    }

    /// Looks at the managers' levels now, and whenever a node changes.
    nonisolated func followLevels() async {
        let (_, feed) = store.watch()
        allowLeases()
        for await event in feed where event.mayConcern(Node.table) {
            proposer.reconsider()
            allowLeases()
        }
    }
}
