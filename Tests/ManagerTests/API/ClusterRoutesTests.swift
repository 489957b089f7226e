import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct ClusterRoutesTests {
    private static let authority = CertificateAuthority.make(clusterID: "cluster")
    private let tokens = JoinTokens(worker: "SWMTKN-1-digest-worker", manager: "SWMTKN-1-digest-manager")

    private func found(_ api: TestAPI) async throws {
        try await api.cluster.write { tx in
            try tx.put(
                ClusterSecrets(
                    id: "cluster", createdAt: start, joinTokens: tokens,
                    rootCertificate: String(decoding: Self.authority.root.pem, as: UTF8.self),
                    rootKey: String(decoding: Self.authority.key.pem, as: UTF8.self)
                ))
        }
    }

    private func version(_ api: TestAPI) -> (String, String?) {
        ("version", "\(api.cluster.snapshot.get(Cluster.self, "cluster")?.version.index ?? 0)")
    }

    @Test func beforeItIsMadeAClusterSaysSo() async throws {
        try await TestAPI.run { api in
            #expect(try await api.get("/swarm").status == 503)
            try await found(api)
            let answer = try await api.get("/swarm")
            #expect(answer.status == 200 && answer.text.contains("SWMTKN-1-digest-worker"))
            #expect(answer.text.contains("BEGIN CERTIFICATE") && !answer.text.contains("PRIVATE KEY"))
            #expect(!answer.text.contains(#""RootRotation":{"#))
        }
    }

    /// `docker info` shows it; clients send it back, whole or in part, and it is not set by that.
    @Test func theConsensusIsShownAsItIs() async throws {
        try await TestAPI.run { api in
            try await found(api)
            let shown =
                #""Raft":{"ElectionTick":5,"HeartbeatTick":1,"KeepOldSnapshots":0,"#
                + #""LogEntriesForSlowFollowers":2000,"SnapshotInterval":50000}"#
            #expect(try await api.get("/swarm").text.contains(shown))
            for same in [
                shown, #""Raft":{"ElectionTick":5}"#, #""Raft":{"ElectionTick":0,"HeartbeatTick":0}"#, #""Raft":null"#,
            ] {
                let spec = #"{"Name":"default",\#(same)}"#
                let answer = try await api.call(.post, "/swarm/update", query: [version(api)], spec)
                #expect(answer.status == 200, "\(answer.text)")
            }
            for (name, value) in [
                ("SnapshotInterval", 7), ("KeepOldSnapshots", 3), ("LogEntriesForSlowFollowers", 1),
                ("ElectionTick", 10), ("HeartbeatTick", 2), ("ElectionTick", -1),
            ] {
                let spec = #"{"Name":"default","Raft":{"\#(name)":\#(value)}}"#
                let answer = try await api.call(.post, "/swarm/update", query: [version(api)], spec)
                #expect(answer.status == 400 && answer.text.contains("Raft.\(name) cannot be set to \(value)"))
            }
            let unknown = #"{"Name":"default","Raft":{"Other":1}}"#
            #expect(try await api.call(.post, "/swarm/update", query: [version(api)], unknown).status == 501)
            #expect(try await api.get("/swarm").text.contains(shown))
            #expect(api.cluster.snapshot.get(Cluster.self, "cluster")?.spec.raft == nil)
        }
    }

    @Test(arguments: [("rotateWorkerToken", true), ("rotateManagerToken", false)])
    func oneTokenIsRotatedAndItsDigestStays(flag: String, isWorkers: Bool) async throws {
        try await TestAPI.run { api in
            try await found(api)
            let answer = try await api.call(
                .post, "/swarm/update", query: [version(api), (flag, "true")],
                #"{"Name":"default","Raft":{"ElectionTick":5},"CAConfig":{"NodeCertExpiry":3600000000000}}"#)
            #expect(answer.status == 200, "\(answer.text)")
            let now = try #require(api.cluster.snapshot.get(ClusterSecrets.self, "cluster")?.joinTokens)
            #expect((now.worker != tokens.worker) == isWorkers)
            #expect((now.manager != tokens.manager) == !isWorkers)
            #expect(JoinToken(now.worker)?.clusterDigest == "digest")
        }
    }

    @Test(arguments: [
        (#"{"Name":"default","Dispatcher":{"HeartbeatPeriod":1000}}"#, 400),
        (#"{"Name":"default","Dispatcher":{"HeartbeatPeriod":-5}}"#, 400),
        (#"{"Name":"default","CAConfig":{"NodeCertExpiry":9}}"#, 400),
        (#"{"Name":"default","CAConfig":{"NodeCertExpiry":-1}}"#, 400),
        (#"{"Name":"default","CAConfig":{"SigningCACert":"x"}}"#, 400),
        (#"{"Name":"default","CAConfig":{"ForceRotate":1,"SigningCACert":"x"}}"#, 400),
        (#"{"Name":"default","CAConfig":{"ForceRotate":1,"SigningCACert":"x","SigningCAKey":"y"}}"#, 400),
        (#"{"Name":"default","CAConfig":{"ExternalCAs":[{"Protocol":"cfssl"}]}}"#, 501),
        (#"{"Name":"default","TaskDefaults":{"LogDriver":{"Name":"syslog"}}}"#, 501), ("", 400), ("{", 400),
        (#"{"Name":"default","Orchestration":{"TaskHistoryRetentionLimit":"x"}}"#, 400),
    ]) func whatCannotBeIsRefused(body: String, status: Int) async throws {
        try await TestAPI.run { api in
            try await found(api)
            let answer = try await api.call(.post, "/swarm/update", query: [version(api)], body)
            #expect(answer.status == status, "\(answer.text)")
        }
    }

    @Test func anUpdateNamesTheVersionItSaw() async throws {
        try await TestAPI.run { api in
            try await found(api)
            let seen = version(api)
            let body = #"{"Name":"default","Orchestration":{"TaskHistoryRetentionLimit":2}}"#
            #expect(try await api.call(.post, "/swarm/update", body).status == 400)
            #expect(try await api.call(.post, "/swarm/update", query: [seen], body).status == 200)
            #expect(try await api.call(.post, "/swarm/update", query: [seen], body).status == 500)
        }
    }

    /// Managers lock themselves by a key that the state has while they are to, and another one when it is rotated.
    @Test func theUnlockKeyFollowsFromTheSpecification() async throws {
        try await TestAPI.run { api in
            try await found(api)
            func update(_ encryption: String, rotating: Bool = false) async throws -> Int {
                let body = #"{"Name":"default"\#(encryption)}"#
                let query = [version(api)] + (rotating ? [("rotateManagerUnlockKey", "true")] : [])
                return try await api.call(.post, "/swarm/update", query: query, body).status
            }
            func key() async throws -> UnlockKey? {
                let text = try await api.get("/swarm/unlockkey").text
                #expect(try await !api.get("/swarm").text.contains("SWMKEY"))
                return UnlockKey(text.replacing(#"{"UnlockKey":""#, with: "").replacing(#""}"#, with: ""))
            }
            let (on, off) = (
                #","EncryptionConfig":{"AutoLockManagers":true}"#, #","EncryptionConfig":{"AutoLockManagers":false}"#
            )
            #expect(try await key() == nil)
            #expect(try await update(on) == 503, "not all managers know of it")
            api.cluster.members.set(level: CommandLevel.autolock)
            #expect(try await update(off, rotating: true) == 400)
            #expect(try await update(on) == 200)
            let first = try #require(try await key())
            #expect(try await update(on) == 200)
            #expect(try await update("") == 200, "who says nothing of it changes nothing of it")
            #expect(try await key() == first)
            #expect(try await update(on, rotating: true) == 200)
            let second = try #require(try await key())
            #expect(second != first)
            #expect(try await update(off) == 200)
            #expect(try await key() == nil)
        }
    }

    @Test func theRootIsChangedWhenTheCountGoesUp() async throws {
        try await TestAPI.run { api in
            try await found(api)
            let body = #"{"Name":"default","CAConfig":{"ForceRotate":1}}"#
            let answer = try await api.call(.post, "/swarm/update", query: [version(api)], body)
            #expect(answer.status == 200, "\(answer.text)")
            let state = try await api.get("/swarm")
            #expect(state.text.contains(#""RootRotation":{"Phase":"trusting""#), "\(state.text)")
            #expect(state.text.contains(#""RootRotationInProgress":true"#) && !state.text.contains("PRIVATE KEY"))
            // The same count again asks for nothing.
            #expect(try await api.call(.post, "/swarm/update", query: [version(api)], body).status == 200)
            let next = #"{"Name":"default","CAConfig":{"ForceRotate":2}}"#
            let again = try await api.call(.post, "/swarm/update", query: [version(api)], next)
            #expect(again.status == 400 && again.text.contains("being changed already"))
        }
    }
}
