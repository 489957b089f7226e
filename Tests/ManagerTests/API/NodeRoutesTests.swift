import HTTP
import Model
import Platform
import Store
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
        (#"{"Role":"manager","Availability":"active"}"#, 501), (#"{"Role":"king","Availability":"active"}"#, 400),
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
}
