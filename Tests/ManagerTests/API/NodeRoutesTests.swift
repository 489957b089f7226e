import HTTP
import Model
import Platform
import Store
import TestSupport
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct NodeRoutesTests {
    private func version(_ api: TestAPI, _ id: String) -> [(String, String?)] {
        [("version", "\(api.cluster.snapshot.get(Node.self, id)?.version.index ?? 0)")]
    }

    @Test func aNodeIsFoundByIDNameAndPrefix() async throws {
        try await TestAPI.run { api in
            for (id, host) in [("abc1", "north"), ("abc2", "south"), ("xyz", "south")] {
                try await api.cluster.addNode(id)
                try await api.cluster.change(Node.self, id) { $0.description.hostname = host }
            }
            #expect(try await api.get("/nodes/north").member("ID") == "abc1")
            #expect(try await api.get("/nodes/xy").member("ID") == "xyz")
            #expect(try await api.get("/nodes/abc").status == 400)
            #expect(try await api.get("/nodes/south").status == 400)
            #expect(try await api.get("/nodes/none").status == 404)
            #expect(try await api.list("/nodes", filters: #"{"name":["south"]}"#) == ["abc2", "xyz"])
            #expect(try await api.list("/nodes", filters: #"{"role":["manager"]}"#) == [])
        }
    }

    /// Docker's clients see by it how far a change of the root is.
    @Test func aNodeTrustsTheRootsThatAreWantedOnceItHasSaidSo() async throws {
        let authority = CertificateAuthority.make(clusterID: "cluster")
        let root = String(decoding: authority.root.pem, as: UTF8.self)
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            #expect(!(try await api.get("/nodes/n1").text.contains("TrustRoot")))
            try await api.cluster.write { tx in
                try tx.put(
                    ClusterSecrets(
                        id: "cluster", createdAt: start, joinTokens: JoinTokens(worker: "w", manager: "m"),
                        rootCertificate: root, rootKey: "key"))
            }
            #expect(!(try await api.get("/nodes/n1").text.contains("TrustRoot")))
            let digest = Digest.base36(authority.root.digest)
            try await api.cluster.change(Node.self, "n1") {
                $0.certificate = NodeCertificate(issuer: digest, trusted: [digest])
            }
            let answer = try await api.get("/nodes/n1")
            #expect(answer.text.contains(#""TLSInfo":{"TrustRoot":"-----BEGIN CERTIFICATE"#), "\(answer.text)")
        }
    }

    @Test func labelsAndAvailabilityAreSetAtTheVersionSeen() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            let seen = version(api, "n1")
            let body = #"{"Role":"worker","Availability":"drain","Labels":{"zone":"a"}}"#
            #expect(try await api.call(.post, "/nodes/n1/update", query: seen, body).status == 200)
            let node = try #require(api.cluster.snapshot.get(Node.self, "n1"))
            #expect(node.spec.availability == .drain && node.spec.labels == ["zone": "a"])
            #expect(try await api.list("/nodes", filters: #"{"node.label":["zone=a"]}"#) == ["n1"])
            let late = try await api.call(.post, "/nodes/n1/update", query: seen, body)
            #expect(late.status == 500 && late.text.contains("out of sequence"))
        }
    }

    @Test(arguments: [
        (#"{"Role":"king","Availability":"active"}"#, 400),
        (#"{"Role":"worker","Availability":"gone"}"#, 400), ("{}", 400), ("", 400), ("[1]", 400),
        (#"{"Role":"worker","Availability":"active","Name":"a b"}"#, 400),
        (#"{"Role":"worker","Availability":"active","Taints":["x"]}"#, 501),
    ]) func whatCannotBeIsRefused(body: String, status: Int) async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            let answer = try await api.call(.post, "/nodes/n1/update", query: version(api, "n1"), body)
            #expect(answer.status == status, "\(answer.text)")
        }
    }

    @Test func aWorkerThatLivesIsRemovedByForceAlone() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            try await api.cluster.addNode("n2", state: .down)
            #expect(try await api.call(.delete, "/nodes/n1").status == 400)
            #expect(try await api.call(.delete, "/nodes/n2").status == 200)
            #expect(try await api.call(.delete, "/nodes/n1", query: [("force", "1")]).status == 200)
            #expect(api.cluster.members.removed.isEmpty)
            #expect(api.cluster.snapshot.count(Node.self) == 0)
        }
    }

    struct Removal: Sendable {
        /// Reachable or not, by manager; m1 leads.
        let managers: [String: Bool]
        let node: String
        let force: Bool
        let isAllowed: Bool
    }

    static let removals = [
        Removal(managers: ["m1": true, "m2": true, "m3": true], node: "m3", force: false, isAllowed: false),
        Removal(managers: ["m1": true, "m2": true, "m3": true], node: "m3", force: true, isAllowed: true),
        Removal(managers: ["m1": true, "m2": true, "m3": false], node: "m3", force: true, isAllowed: true),
        // One of two that are left would be reachable.
        Removal(managers: ["m1": true, "m2": true, "m3": false], node: "m2", force: true, isAllowed: false),
        Removal(managers: ["m1": true, "m2": true], node: "m1", force: true, isAllowed: false),
        Removal(managers: ["m1": true], node: "m1", force: true, isAllowed: false),
    ]

    @Test(arguments: removals) func aManagerIsRemovedWhereAQuorumStays(_ removal: Removal) async throws {
        try await TestAPI.run { api in
            for id in removal.managers.keys.sorted() { try await api.cluster.addNode(id) }
            api.cluster.members.set(
                Dictionary(
                    uniqueKeysWithValues: removal.managers.map { id, isUp in
                        (
                            id,
                            ManagerStatus(
                                leader: id == "m1" ? true : nil, reachability: isUp ? .reachable : .unreachable,
                                address: "192.0.2.1:2377")
                        )
                    }))
            let answer = try await api.call(
                .delete, "/nodes/\(removal.node)", query: removal.force ? [("force", "true")] : [])
            #expect(answer.status == (removal.isAllowed ? 200 : 400), "\(answer.text)")
            #expect(api.cluster.members.removed == (removal.isAllowed ? [removal.node] : []))
        }
    }

    // MARK: Roles

    private static func statuses(_ managers: [String: Bool]) -> [String: ManagerStatus] {
        managers.reduce(into: [:]) { statuses, manager in
            statuses[manager.key] = ManagerStatus(
                leader: manager.key == "m1" ? true : nil, reachability: manager.value ? .reachable : .unreachable,
                address: "192.0.2.1:2377")
        }
    }

    private func wish(_ role: String, _ node: String, _ api: TestAPI) async throws -> TestAPI.Answer {
        try await api.call(
            .post, "/nodes/\(node)/update", query: version(api, node), #"{"Role":"\#(role)","Availability":"active"}"#)
    }

    @Test func eachLifeAsAManagerHasANumber() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            let node = { try #require(api.cluster.snapshot.get(Node.self, "n1")) }
            #expect(try await wish("manager", "n1", api).status == 200)
            #expect(try node().spec.role == .manager && node().currentRole == .manager && node().incarnation == 1)
            // Somebody changes his mind before it has left the group: the same life goes on.
            try await api.cluster.addNode("n2")
            try await api.cluster.change(Node.self, "n2") { $0.spec.role = .manager }
            #expect(try await wish("worker", "n1", api).status == 200)
            #expect(try node().spec.role == .worker && node().currentRole == .manager)
            #expect(try await wish("manager", "n1", api).status == 200)
            #expect(try node().incarnation == 1)
            #expect(try await wish("worker", "n1", api).status == 200)
            try await api.cluster.change(Node.self, "n1") { $0.role = .worker }
            #expect(try await wish("manager", "n1", api).status == 200)
            #expect(try node().incarnation == 2)
        }
    }

    @Test func aWorkerOfAnOlderVersionIsNotPromoted() async throws {
        try await TestAPI.run { api in
            try await api.cluster.addNode("n1")
            api.cluster.members.set(level: 2)
            let answer = try await wish("manager", "n1", api)
            #expect(answer.status == 400 && answer.text.contains("upgrade clusterd"), "\(answer.text)")
        }
    }

    struct Demotion: Sendable {
        /// Reachable or not, by manager; m1 leads.
        let managers: [String: Bool]
        /// Those that are to be workers already.
        var leaving: [String] = []
        let node: String
        /// Nil where it is allowed.
        let refusal: String?
    }

    static let demotions = [
        Demotion(managers: ["m1": true], node: "m1", refusal: "attempting to demote the last manager of the swarm"),
        Demotion(managers: ["m1": true, "m2": true], node: "m1", refusal: nil),
        Demotion(managers: ["m1": true, "m2": true], leaving: ["m2"], node: "m1", refusal: "last manager"),
        Demotion(managers: ["m1": true, "m2": true, "m3": false], node: "m2", refusal: "loss of quorum (1 of the 2"),
        Demotion(managers: ["m1": true, "m2": true, "m3": false], node: "m3", refusal: nil),
        Demotion(
            managers: ["m1": true, "m2": true, "m3": true, "m4": true, "m5": false], leaving: ["m2"], node: "m3",
            refusal: nil),
        Demotion(
            managers: ["m1": true, "m2": true, "m3": true, "m4": false, "m5": false], leaving: ["m2"], node: "m3",
            refusal: "loss of quorum"),
    ]

    @Test(arguments: demotions) func aManagerIsDemotedWhereAQuorumStays(_ demotion: Demotion) async throws {
        try await TestAPI.run { api in
            for id in demotion.managers.keys.sorted() {
                try await api.cluster.addNode(id)
                try await api.cluster.change(Node.self, id) { node in
                    node.spec.role = demotion.leaving.contains(id) ? .worker : .manager
                    node.role = .manager
                }
            }
            api.cluster.members.set(Self.statuses(demotion.managers))
            let answer = try await wish("worker", demotion.node, api)
            #expect(answer.status == (demotion.refusal == nil ? 200 : 400), "\(answer.text)")
            if let refusal = demotion.refusal { #expect(answer.text.contains(refusal), "\(answer.text)") }
            let node = try #require(api.cluster.snapshot.get(Node.self, demotion.node))
            #expect(node.spec.role == (demotion.refusal == nil ? .worker : .manager) && node.currentRole == .manager)
        }
    }

    @Test func leadershipGoesToAManagerThatIsThere() async throws {
        try await TestAPI.run { api in
            for id in ["m1", "m2", "m3", "w1"] { try await api.cluster.addNode(id) }
            api.cluster.members.set(Self.statuses(["m1": true, "m2": true, "m3": false]))
            for (node, words) in [
                ("w1", "no manager"), ("m1", "leads already"), ("m3", "not heard of lately"), ("nobody", "not found"),
            ] {
                let answer = try await api.call(.post, "/swarm/transfer", query: [("node", node)])
                #expect(answer.status == 400 || answer.status == 404)
                #expect(answer.text.contains(words), "\(answer.text)")
            }
            #expect(api.cluster.members.leaders.isEmpty)
            #expect(try await api.call(.post, "/swarm/transfer", query: [("node", "m2")]).status == 202)
            #expect(try await api.call(.post, "/swarm/transfer").status == 202)
            try await eventually { api.cluster.members.leaders.sorted() == ["any", "m2"] }
            api.cluster.members.set(Self.statuses(["m1": true, "m3": false]))
            #expect(try await api.call(.post, "/swarm/transfer").status == 400)
        }
    }
}
