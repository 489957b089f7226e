import Model
import Platform
import Store

/// The keys of those who may connect to a manager.
struct KeyRing: Sendable {
    let clusterID: String
    let clusterKey: String
    let store: Store

    /// Nil where nobody of that name may connect.
    func key(of claimed: PeerIdentity, for purpose: ChannelPurpose) -> [UInt8]? {
        if purpose == .join { return joinSecret(of: claimed.role.nodeRole).map { Array($0.utf8) } }
        guard claimed.clusterID == clusterID, !claimed.nodeID.isEmpty else { return nil }
        return Array(
            NodeKey.derive(clusterKey: clusterKey, nodeID: claimed.nodeID, role: claimed.role.nodeRole).utf8)
    }

    private func joinSecret(of role: NodeRole) -> String? {
        guard let tokens = store.snapshot.all(ClusterSecrets.self).first?.joinTokens else { return nil }
        return JoinToken(role == .manager ? tokens.manager : tokens.worker)?.secret
    }
}
