import HTTP
import Model
import Platform

/// Says what to do about an error the daemon answered with.
enum Advice {
    static func failure(for error: EngineError, session: Session) async -> Failure {
        let message = plain(error.message)
        if message.contains("not a swarm manager") || message.contains("not part of a swarm")
            || message.contains("this node is no manager of a cluster")
        {
            return await notAManager(session)
        }
        if message.contains("needs to be unlocked") {
            return Failure(
                "this manager is locked: its keys are sealed",
                hint:
                    "'clusterctl unlock' opens them, with the cluster's unlock key; 'clusterctl manager unlock-key', said on "
                    + "another\nmanager, shows it. Containers, names and published ports go on meanwhile.")
        }
        if message.contains("Swarm is encrypted and locked") {
            return Failure(
                "this manager is locked: its keys are sealed",
                hint: "'clusterctl unlock' opens them; 'clusterctl leave --force' gives up what it has of the cluster.")
        }
        if error.isWithoutLeader {
            return Failure(
                "the cluster has no leader: too few of its managers reach each other",
                hint: "More than half of them must be up: look at clusterd and its log on each of the others.\n"
                    + "Containers, names and published ports go on meanwhile; nothing can be changed.")
        }
        if message.contains("already part of a swarm") {
            return Failure(
                "this node is in a cluster already", hint: "'clusterctl leave' takes it out of that one.")
        }
        if message.contains("participating as a manager") {
            return Failure(
                "this node is a manager: the cluster bears the loss of fewer when it leaves",
                hint:
                    "'clusterctl node demote self' makes a worker of it first. 'clusterctl leave --force' does both, and takes it "
                    + "out also\nwhere the others cannot spare it, or with the state of the cluster where it is the last one."
            )
        }
        if message.contains("member of the raft cluster") {
            return Failure(
                "this node is a manager, and has a vote",
                hint:
                    "'clusterctl node demote' makes a worker of it. Where it is gone for good, 'clusterctl node rm --force' takes "
                    + "it\nout with its vote.")
        }
        if message.contains("attempting to demote the last manager") {
            return Failure(
                "this node is the last manager: the cluster would have none",
                hint: "Promote another node first: clusterctl node promote NODE.")
        }
        if message.contains("loss of quorum") {
            return Failure(
                "\(message)",
                hint:
                    "Bring back the managers that are down, or take out with their votes those that are gone for good:\n"
                    + "clusterctl node rm --force NODE.")
        }
        if error.isOutOfSequence {
            return Failure(
                message, hint: "Somebody else changed it in the meantime: look at it again and repeat the command.")
        }
        for kind in ["service", "node", "network", "task"]
        where message.hasPrefix(kind + " ") && message.hasSuffix(" not found") {
            return Failure(message, hint: "'clusterctl \(kind) ls' shows those that there are.")
        }
        return Failure(message)
    }

    /// What a handshake that failed says.
    static func failure(for error: TLSError, at endpoint: Endpoint) -> Failure {
        let hint: String
        switch error {
        case .untrusted:
            hint =
                "The daemon's certificate is not of the root in ca.pem, or not for this address. Was the cluster's root changed? "
                + "Then\nask a manager for another certificate: 'clusterctl manager client-certificate NAME'."
        case .refused:
            hint =
                "The daemon does not take this certificate: it has ended, or is of another cluster, or of a root that was "
                + "changed.\nAsk a manager for another: 'clusterctl manager client-certificate NAME'."
        default:
            hint = "Does that daemon speak TLS there? On a node that is no manager it needs files: clusterd --tls-cert."
        }
        return Failure("\(endpoint): \(error)", hint: hint, exitStatus: Failure.Exit.unreachable)
    }

    /// Where a manager is found, from what this daemon knows of its cluster.
    private static func notAManager(_ session: Session) async -> Failure {
        guard let info = try? await session.engine.fetch(SystemInfo.self, ["info"]) else {
            return Failure(
                "this node is no manager", hint: "Ask a manager: clusterctl --host unix://PATH or tcp://IP:PORT.")
        }
        guard info.swarm.localNodeState == .active else {
            return Failure(
                "this node is in no cluster",
                hint: "Make one: 'clusterctl init'. Or enter one: 'clusterctl join --token TOKEN HOST:PORT';\n"
                    + "'clusterctl manager token worker', said on a manager, prints that command.")
        }
        let managers = (info.swarm.remoteManagers ?? []).map(\.address).sorted().joined(separator: ", ")
        return Failure(
            "this node is a worker",
            hint: "Ask a manager" + (managers.isEmpty ? "." : ": they are at \(managers).")
                + "\nRun the command there, or name its API by --host.")
    }

    /// The words without what gRPC would say before them, which Docker's clients expect.
    static func plain(_ message: String) -> String {
        guard message.hasPrefix("rpc error:"), let words = message.firstRange(of: "desc = ") else { return message }
        return String(message[words.upperBound...])
    }
}
