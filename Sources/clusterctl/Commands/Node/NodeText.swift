import Model

extension ManagerStatus {
    /// As Docker words it: `Leader`, `Reachable`, `Unreachable`.
    var text: String { leader == true ? "Leader" : reachability.rawValue.firstUppercased }
}

extension Node {
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
