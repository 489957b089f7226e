import Platform

/// Sessions as Consul's JSON.
enum SessionJSON {
    static func list(_ sessions: [KeySession]) -> [UInt8] {
        Array(("[" + sessions.map(text).joined(separator: ",") + "]").utf8)
    }

    static func text(_ session: KeySession) -> String {
        let checks = "[" + session.checks.map(JSONText.quoted).joined(separator: ",") + "]"
        return "{\"ID\":\(JSONText.quoted(session.id)),\"Name\":\(JSONText.quoted(session.name))"
            + ",\"Node\":\(JSONText.quoted(session.node)),\"LockDelay\":\(session.lockDelay.nanoseconds)"
            + ",\"Behavior\":\"\(session.behavior.text)\",\"TTL\":\(JSONText.quoted(session.ttlText))"
            + ",\"Checks\":\(checks),\"NodeChecks\":\(checks),\"ServiceChecks\":null"
            + ",\"CreateIndex\":\(session.create),\"ModifyIndex\":\(session.modify)}"
    }

    /// What a manager hands on to the leader: with the node that the client asked.
    static func request(_ session: KeySession) -> [UInt8] {
        let checks = "[" + session.checks.map(JSONText.quoted).joined(separator: ",") + "]"
        return Array(
            ("{\"Name\":\(JSONText.quoted(session.name)),\"Node\":\(JSONText.quoted(session.node))"
                + ",\"LockDelay\":\"\(session.lockDelay.nanoseconds)ns\",\"Behavior\":\"\(session.behavior.text)\""
                + ",\"TTL\":\(JSONText.quoted(session.ttlText)),\"NodeChecks\":\(checks)}").utf8)
    }
}
