import Model

extension ManagerStatus {
    /// As Docker words it: `Leader`, `Reachable`, `Unreachable`; and where its state is not what the others have, that.
    var text: String {
        let word = leader == true ? "Leader" : reachability.rawValue.firstUppercased
        return differs == true ? word + " (state differs)" : word
    }
}

extension Node {
    /// Its part among the managers, also on the way there and away; empty for a worker.
    var managerText: String {
        guard let managerStatus else { return spec.role == .manager ? "Joining" : "" }
        return managerStatus.text + (spec.role == .worker ? " (leaving)" : "")
    }

    /// `leader`, `manager`, `manager (unreachable)` or `worker`.
    var roleText: String {
        guard let managerStatus else { return "worker" }
        if managerStatus.leader == true { return "leader" }
        return managerStatus.reachability == .reachable ? "manager" : "manager (\(managerStatus.reachability.rawValue))"
    }
}

extension String {
    var firstUppercased: String { prefix(1).uppercased() + dropFirst() }
}
