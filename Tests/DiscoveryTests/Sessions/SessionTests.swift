import HTTP
import Model
import Platform
import Store
import TestSupport
import Testing

@testable import Discovery

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    // MARK: Shapes

    @Test func aSessionIsConsuls() async throws {
        let member = try LoneMember()
        let made = try await member.ask(
            .put, "/v1/session/create", #"{"name":"a","ttl":"30s","lockdelay":"5s","Behavior":"delete","NODE":"n1"}"#)
        let id = String(made.text.dropFirst(#"{"ID":""#.count).dropLast(2))
        #expect(made.text == #"{"ID":"\#(id)"}"#)
        #expect(id.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
        let expected =
            #"[{"ID":"\#(id)","Name":"a","Node":"n1","LockDelay":5000000000,"Behavior":"delete","TTL":"30s","#
            + #""Checks":["serfHealth"],"NodeChecks":["serfHealth"],"ServiceChecks":null,"CreateIndex":1,"ModifyIndex":1}]"#
        for path in ["info/\(id)", "list", "node/n1"] {
            let answer = try await member.ask(.get, "/v1/session/\(path)")
            #expect(answer.text == expected, "\(path)")
            #expect(answer.index == 1)
        }
        #expect(try await member.ask(.get, "/v1/session/node/n2").text == "[]")
        #expect(try await member.ask(.get, "/v1/session/info/none").text == "[]")
        #expect(try await member.ask(.put, "/v1/session/renew/\(id)").text == expected)
        #expect(try await member.ask(.put, "/v1/session/renew/none").status == 404)
        #expect(try await member.ask(.put, "/v1/session/destroy/\(id)").text == "true")
        #expect(try await member.ask(.put, "/v1/session/destroy/\(id)").text == "true")
        #expect(try await member.ask(.get, "/v1/session/list").text == "[]")
        #expect(try await member.ask(.get, "/v1/session/list").index == 2)
    }

    @Test func whatIsNotGivenHasDefaults() async throws {
        let member = try LoneMember()
        _ = try await member.session("")
        let session = try #require(member.store.snapshot.part(SessionState.self).all.first)
        #expect(session.node == "lone" && session.ttl == .zero && session.behavior == .release)
        #expect(session.lockDelay == .seconds(15) && session.checks == ["serfHealth"])
    }

    @Test(arguments: [
        ("15", Duration.seconds(15)), ("0", .zero), (#""0s""#, .zero), (#""3600s""#, .seconds(60)),
        ("15000000000", .seconds(15)), (#""""#, .seconds(15)), ("null", .seconds(15)),
    ])
    func lockDelaysAreRead(json: String, expected: Duration) throws {
        let request = try SessionRequest(parsing: Array(#"{"LockDelay":\#(json)}"#.utf8))
        #expect(request.session.lockDelay == expected)
    }

    @Test(arguments: [
        #"{"TTL":"5s"}"#, #"{"TTL":"25h"}"#, #"{"TTL":10}"#, #"{"TTL":"soon"}"#, #"{"Behavior":"keep"}"#,
        #"{"LockDelay":true}"#, #"{"LockDelay":-1}"#, #"{"Checks":["web"]}"#, #"{"Name":7}"#, "[]", "{", "nonsense",
        #"{"Checks":"serfHealth"}"#,
    ])
    func nonsenseIsRefused(body: String) async throws {
        #expect(try await LoneMember().ask(.put, "/v1/session/create", body).status == 400)
    }

    @Test func aFollowersSessionIsOfTheFollower() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        _ = try await follower.session(#"{"TTL":"10s","LockDelay":"1500ms"}"#)
        let session = try #require(leader.store.snapshot.part(SessionState.self).all.first)
        #expect(session.node == "following" && session.ttl == .seconds(10))
        #expect(session.lockDelay == .milliseconds(1_500))
    }

    // MARK: Locks

    /// scenarios.md, Raft and storage, 15.
    @Test func aLockIsGivenOnlyToALiveSession() async throws {
        let member = try LoneMember()
        let refused = try await member.ask(.put, "/v1/kv/lock?acquire=none", "x")
        #expect(refused.status == 500 && refused.text == #"invalid session "none""#)
        #expect(try await member.ask(.get, "/v1/kv/lock").status == 404)
        let first = try await member.session()
        let second = try await member.session()
        #expect(try await member.ask(.put, "/v1/kv/lock?acquire=\(first)&flags=3", "1").text == "true")
        #expect(try await member.ask(.put, "/v1/kv/lock?acquire=\(second)", "2").text == "false")
        #expect(try await member.ask(.put, "/v1/kv/lock?acquire=\(first)", "3").text == "true")
        let held = try await member.ask(.get, "/v1/kv/lock")
        #expect(held.text.contains(#""LockIndex":1,"#) && held.text.contains(#""Session":"\#(first)""#))
        #expect(try await member.ask(.put, "/v1/kv/lock?release=\(second)", "4").text == "false")
        // A plain write changes the value, not the holder.
        #expect(try await member.ask(.put, "/v1/kv/lock", "5").text == "true")
        #expect(try await member.ask(.get, "/v1/kv/lock").text.contains(#""Session":"\#(first)""#))
        #expect(try await member.ask(.put, "/v1/kv/lock?release=\(first)", "6").text == "true")
        #expect(!(try await member.ask(.get, "/v1/kv/lock").text.contains("Session")))
        #expect(try await member.ask(.put, "/v1/kv/lock?acquire=\(second)", "7").text == "true")
        #expect(try await member.ask(.get, "/v1/kv/lock").text.contains(#""LockIndex":2,"#))
    }

    @Test(arguments: ["cas=1&acquire=x", "acquire=x&release=y", "cas=0&release=y"])
    func conditionsDoNotMix(query: String) async throws {
        let answer = try await LoneMember().ask(.put, "/v1/kv/k?\(query)", "x")
        #expect(answer.status == 400 && answer.text.hasPrefix("Conflicting flags"))
    }

    /// scenarios.md, Raft and storage, 15.
    @Test func theFencingIndexIsNeverGivenTwice() async throws {
        let member = try LoneMember()
        let first = try await member.session(#"{"Behavior":"delete","LockDelay":"0s"}"#)
        _ = try await member.ask(.put, "/v1/kv/lock?acquire=\(first)", "1")
        _ = try await member.ask(.put, "/v1/session/destroy/\(first)")
        #expect(try await member.ask(.get, "/v1/kv/lock").status == 404)
        let second = try await member.session(#"{"Behavior":"delete","LockDelay":"0s"}"#)
        _ = try await member.ask(.put, "/v1/kv/lock?acquire=\(second)", "2")
        #expect(try await member.ask(.get, "/v1/kv/lock").text.contains(#""LockIndex":2,"#))
        _ = try await member.ask(.delete, "/v1/kv/lock")
        // Nor once the deletion is forgotten, also by who read the state from a snapshot.
        _ = try await member.propose(
            KeyValueCommand.command(.compact, key: [], expected: member.store.revision).encoded)
        let copy = try LoneMember()
        try copy.store.restore(member.store.snapshotBytes().bytes)
        #expect(copy.store.digest == member.store.digest)
        _ = try await copy.ask(.put, "/v1/kv/lock?acquire=\(second)", "3")
        #expect(try await copy.ask(.get, "/v1/kv/lock").text.contains(#""LockIndex":3,"#))
    }

    @Test func theEndOfASessionLetsGoOfItsKeys() async throws {
        let member = try LoneMember()
        let release = try await member.session()
        let delete = try await member.session(#"{"Behavior":"delete"}"#)
        for key in ["r1", "r2"] { _ = try await member.ask(.put, "/v1/kv/\(key)?acquire=\(release)", key) }
        for key in ["d1", "d2"] { _ = try await member.ask(.put, "/v1/kv/\(key)?acquire=\(delete)", key) }
        async let waiting = member.ask(.get, "/v1/kv/r1?index=3")
        async let sessions = member.ask(.get, "/v1/session/list?index=2")
        try await eventually { member.watches.waiting == 2 }
        _ = try await member.ask(.put, "/v1/session/destroy/\(release)")
        #expect(try await waiting.text.contains("Session") == false)
        #expect(try await sessions.text.contains(delete))
        #expect(try await member.ask(.get, "/v1/kv/r2?raw").text == "r2")
        _ = try await member.ask(.put, "/v1/session/destroy/\(delete)")
        #expect(try await member.ask(.get, "/v1/kv/?keys").text == #"["r1","r2"]"#)
        // Nobody gets them before the delay is over.
        let next = try await member.session()
        for key in ["r1", "d1"] {
            #expect(try await member.ask(.put, "/v1/kv/\(key)?acquire=\(next)", "x").text == "false")
        }
        #expect(try await member.ask(.put, "/v1/kv/other?acquire=\(next)", "x").text == "true")
    }

    // MARK: Time

    @Test func aSessionThatIsNotRenewedEnds() async throws {
        let member = try LoneMember()
        let lazy = try await member.session(#"{"TTL":"10s"}"#)
        let eager = try await member.session(#"{"TTL":"10s"}"#)
        let endless = try await member.session()
        _ = try await member.ask(.put, "/v1/kv/lock?acquire=\(lazy)", "1")
        await member.sessions.tick()
        for _ in 0..<4 {
            member.time.advance(by: .seconds(6))
            #expect(try await member.ask(.put, "/v1/session/renew/\(eager)").status == 200)
            await member.sessions.tick()
        }
        let left = member.store.snapshot.part(SessionState.self).all.map(\.id)
        #expect(left == [eager, endless].sorted())
        #expect(try await member.ask(.put, "/v1/session/renew/\(lazy)").status == 404)
        #expect(!(try await member.ask(.get, "/v1/kv/lock").text.contains("Session")))
    }

    @Test func itsTTLIsTheLeastItLives() async throws {
        let member = try LoneMember()
        let id = try await member.session(#"{"TTL":"10s"}"#)
        await member.sessions.tick()
        member.time.advance(by: .seconds(19))
        await member.sessions.tick()
        #expect(member.store.snapshot.part(SessionState.self).session(id) != nil)
        member.time.advance(by: .seconds(2))
        await member.sessions.tick()
        #expect(member.store.snapshot.part(SessionState.self).session(id) == nil)
    }

    @Test func aNewLeaderCountsAnew() async throws {
        let member = try LoneMember()
        let holder = try await member.session(#"{"TTL":"10s","LockDelay":"10s"}"#)
        let other = try await member.session()
        _ = try await member.ask(.put, "/v1/kv/lock?acquire=\(holder)", "1")
        await member.sessions.tick()
        member.time.advance(by: .seconds(19))
        member.leadAnew()
        await member.sessions.tick()
        member.time.advance(by: .seconds(19))
        await member.sessions.tick()
        #expect(member.store.snapshot.part(SessionState.self).session(holder) != nil)
        member.time.advance(by: .seconds(1))
        await member.sessions.tick()
        #expect(member.store.snapshot.part(SessionState.self).session(holder) == nil)
        // The same for the delay of the lock.
        await member.sessions.tick()
        member.time.advance(by: .seconds(9))
        member.leadAnew()
        await member.sessions.tick()
        member.time.advance(by: .seconds(9))
        await member.sessions.tick()
        #expect(try await member.ask(.put, "/v1/kv/lock?acquire=\(other)", "2").text == "false")
        member.time.advance(by: .seconds(1))
        await member.sessions.tick()
        #expect(try await member.ask(.put, "/v1/kv/lock?acquire=\(other)", "2").text == "true")
    }

    @Test func whoseNodeIsDownEnds() async throws {
        let member = try LoneMember()
        var node = Node(
            id: "n1", createdAt: .init(seconds: 1), spec: NodeSpec(role: .worker),
            description: NodeDescription(
                hostname: "host1", platform: .init(architecture: nil, os: nil), resources: Resources(),
                engine: .init(engineVersion: "1")), status: NodeStatus(state: .ready))
        try await member.store.update(through: member, at: .init(seconds: 1)) { try $0.put(node) }
        let bound = try await member.session(#"{"Node":"host1"}"#)
        let free = try await member.session(#"{"Node":"n1","Checks":[]}"#)
        #expect(try await member.ask(.put, "/v1/session/create", #"{"Node":"host9"}"#).status == 400)
        await member.sessions.tick()
        #expect(member.store.snapshot.part(SessionState.self).all.map(\.id) == [bound, free].sorted())
        node.status.state = .down
        node.version = try #require(member.store.snapshot.get(Node.self, "n1")).version
        try await member.store.update(through: member, at: .init(seconds: 2)) { try $0.put(node) }
        await member.sessions.tick()
        #expect(member.store.snapshot.part(SessionState.self).all.map(\.id) == [free])
        #expect(try await member.ask(.put, "/v1/session/create", #"{"Node":"host1"}"#).status == 400)
    }

    @Test func theStateOfASnapshotIsTheSame() async throws {
        let member = try LoneMember()
        for number in 0..<5 {
            let id = try await member.session(#"{"TTL":"10s","Name":"s\#(number)"}"#)
            _ = try await member.ask(.put, "/v1/kv/l\(number)?acquire=\(id)", "x")
            if number < 2 { _ = try await member.ask(.put, "/v1/session/destroy/\(id)") }
        }
        let copy = try LoneMember()
        try copy.store.restore(member.store.snapshotBytes().bytes)
        #expect(copy.store.digest == member.store.digest)
        let (left, right) = (member.store.snapshot, copy.store.snapshot)
        #expect(left.part(SessionState.self).all == right.part(SessionState.self).all)
        #expect(left.part(SessionState.self).allDelays == right.part(SessionState.self).allDelays)
        for session in left.part(SessionState.self).all {
            #expect(right.part(KeyValueState.self).keys(heldBy: session.id).count == 1)
        }
    }
}

extension DiscoveryCluster {
    /// Makes a session; its id.
    func session(_ body: String = "") async throws -> String {
        let made = try await ask(.put, "/v1/session/create", body)
        #expect(made.status == 200, "\(made.text)")
        return String(made.text.dropFirst(#"{"ID":""#.count).dropLast(2))
    }
}
