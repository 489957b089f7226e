import HTTP
import Store
import Testing

@testable import Discovery

@Suite struct TransactionTests {
    @Test func allOfItIsDone() async throws {
        let member = try LoneMember()
        let answer = try await member.transact(
            #"{"KV":{"Verb":"set","Key":"a","Value":"MQ==","Flags":18446744073709551615}}"#,
            #"{"kv":{"verb":"set","key":"b","value":"Mg=="}}"#, #"{"KV":{"Verb":"get","Key":"a"}}"#,
            #"{"KV":{"Verb":"delete","Key":"b"}}"#, #"{"KV":{"Verb":"check-not-exists","Key":"b"}}"#,
            #"{"KV":{"Verb":"get-or-empty","Key":"c"}}"#)
        #expect(answer.status == 200)
        let set = #""LockIndex":0,"Key":"a","Flags":18446744073709551615,"Value":"#
        #expect(
            answer.text == #"{"Results":[{"KV":{\#(set)null,"CreateIndex":1,"ModifyIndex":1}},"#
                + #"{"KV":{"LockIndex":0,"Key":"b","Flags":0,"Value":null,"CreateIndex":1,"ModifyIndex":1}},"#
                + #"{"KV":{\#(set)"MQ==","CreateIndex":1,"ModifyIndex":1}},"#
                + #"{"KV":{"LockIndex":0,"Key":"c","Flags":0,"Value":null,"CreateIndex":0,"ModifyIndex":0}}],"Errors":null}"#
        )
        #expect(member.store.revision == 1)
        #expect(try await member.ask(.get, "/v1/kv/?keys").text == #"["a"]"#)
    }

    @Test func nothingIsDoneWhereOneFails() async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        let before = member.store.digest
        let answer = try await member.transact(
            #"{"KV":{"Verb":"set","Key":"b","Value":"Mg=="}}"#, #"{"KV":{"Verb":"cas","Key":"a","Index":7}}"#,
            #"{"KV":{"Verb":"get","Key":"none"}}"#)
        #expect(answer.status == 409)
        #expect(
            answer.text == #"{"Results":null,"Errors":[{"OpIndex":1,"What":"failed to set key \"a\", index is stale"},"#
                + #"{"OpIndex":2,"What":"key \"none\" doesn't exist"}]}"#)
        #expect(member.store.digest == before)
    }

    @Test func everyVerbHasItsCondition() async throws {
        let member = try LoneMember()
        let session = try await member.session()
        _ = try await member.ask(.put, "/v1/kv/t/a", "1")
        let failing: [(String, String)] = [
            (#""Verb":"cas","Key":"t/a","Index":0"#, "index is stale"),
            (#""Verb":"delete-cas","Key":"t/a","Index":9"#, "failed to delete key"),
            (#""Verb":"lock","Key":"t/a","Session":"none""#, #"invalid session \"none\""#),
            (#""Verb":"unlock","Key":"t/a","Session":"\#(session)""#, "lock isn't held"),
            (#""Verb":"check-index","Key":"t/a","Index":9"#, "current modify index 2 != 9"),
            (#""Verb":"check-index","Key":"none","Index":9"#, "doesn't exist"),
            (#""Verb":"check-session","Key":"t/a","Session":"x""#, "failed session check"),
            (#""Verb":"check-not-exists","Key":"t/a""#, #"key \"t/a\" exists"#),
            (#""Verb":"get","Key":"none""#, "doesn't exist"),
        ]
        for (operation, what) in failing {
            let answer = try await member.transact("{\"KV\":{\(operation)}}")
            #expect(answer.status == 409 && answer.text.contains(what), "\(operation): \(answer.text)")
        }
        let done = try await member.transact(
            #"{"KV":{"Verb":"check-index","Key":"t/a","Index":2}}"#,
            #"{"KV":{"Verb":"lock","Key":"t/a","Session":"\#(session)"}}"#,
            #"{"KV":{"Verb":"check-session","Key":"t/a","Session":"\#(session)"}}"#,
            #"{"KV":{"Verb":"unlock","Key":"t/a","Session":"\#(session)"}}"#,
            #"{"KV":{"Verb":"cas","Key":"t/b","Index":0,"Value":"eA=="}}"#,
            #"{"KV":{"Verb":"get-tree","Key":"t/"}}"#, #"{"KV":{"Verb":"delete-cas","Key":"t/b","Index":3}}"#,
            #"{"KV":{"Verb":"delete-tree","Key":"t/"}}"#)
        #expect(done.status == 200, "\(done.text)")
        #expect(done.text.ranges(of: #""LockIndex":1"#).count == 4)
        #expect(try await member.ask(.get, "/v1/kv/?keys").status == 404)
        #expect(member.store.revision == 3)
    }

    @Test func aTransactionIsOneChangeForThoseWhoWait() async throws {
        let member = try LoneMember()
        let answer = try await member.transact(
            #"{"KV":{"Verb":"set","Key":"a","Value":"MQ=="}}"#, #"{"KV":{"Verb":"set","Key":"a","Value":"Mg=="}}"#)
        #expect(answer.status == 200)
        #expect(try await member.ask(.get, "/v1/kv/a?index=0&raw").text == "2")
        var history: [UInt32] = []
        member.store.snapshot.part(KeyValueState.self).forEachVersion(after: 0) {
            history.append($0.order)
            return true
        }
        #expect(history == [0, 1])
        let copy = try LoneMember()
        try copy.store.restore(member.store.snapshotBytes().bytes)
        #expect(copy.store.digest == member.store.digest)
    }

    @Test func readingNeedsNoRevisionAndObeysTheMode() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        _ = try await leader.ask(.put, "/v1/kv/a", "1")
        let body = #"[{"KV":{"Verb":"get-or-empty","Key":"a"}}]"#
        #expect(try await follower.ask(.put, "/v1/txn?stale", body).text.contains(#""ModifyIndex":0"#))
        #expect(follower.forwarded == 0)
        try follower.catchUp()
        #expect(try await follower.ask(.put, "/v1/txn", body).text.contains(#""ModifyIndex":1"#))
        #expect(follower.forwarded == 1 && leader.store.revision == 1)
        #expect(leader.commands.count == 1)
        let write = try await follower.ask(.put, "/v1/txn", #"[{"KV":{"Verb":"set","Key":"a"}}]"#)
        #expect(write.status == 200 && leader.store.revision == 2)
    }

    @Test func whatCannotBeIsRefused() async throws {
        let member = try LoneMember()
        let bodies = [
            "", "{}", "[1]", "[{}]", #"[{"Node":{"Verb":"get"}}]"#, #"[{"KV":{"Verb":"fly","Key":"a"}}]"#,
            #"[{"KV":{"Verb":"set","Key":""}}]"#, #"[{"KV":{"Verb":"set","Key":"../a"}}]"#,
            #"[{"KV":{"Verb":"set","Key":"a","Value":"x"}}]"#, #"[{"KV":{"Verb":"set","Key":"a","Flags":-1}}]"#,
            #"[{"KV":{"Verb":"set","Key":"a","Index":1.5}}]"#, #"[{"KV":{"Verb":"set","Key":7}}]"#,
            String(repeating: "[", count: 100_000),
        ]
        for body in bodies {
            let answer = try await member.ask(.put, "/v1/txn", body)
            #expect(answer.status == 400, "\(body.prefix(60)): \(answer.text)")
        }
        let many = Array(repeating: #"{"KV":{"Verb":"get","Key":"a"}}"#, count: 129)
        #expect(try await member.ask(.put, "/v1/txn", "[\(many.joined(separator: ","))]").status == 413)
        #expect(try await member.ask(.put, "/v1/txn", "[\(many.dropFirst().joined(separator: ","))]").status == 409)
        let large = String(repeating: "AAAA", count: 180_000)
        let oversized = try await member.ask(.put, "/v1/txn", #"[{"KV":{"Verb":"set","Key":"a","Value":"\#(large)"}}]"#)
        #expect(oversized.status == 413)
        #expect(try await member.ask(.put, "/v1/txn", large + large).status == 413)
        #expect(try await member.ask(.put, "/v1/txn", "[]").text == #"{"Results":[],"Errors":null}"#)
        #expect(member.store.revision == 0)
    }

    @Test(arguments: ["", "f", "fo", "foo", "foob", "fooba", "foobar"])
    func base64IsReadAsItIsWritten(text: String) {
        var encoded: [UInt8] = []
        Base64.append(Array(text.utf8)[...], to: &encoded)
        #expect(Base64.decode(String(decoding: encoded, as: UTF8.self)) == Array(text.utf8))
    }

    @Test(arguments: ["f", "====", "Zg=", "Zg==Zg==", "Z===", "Zm9v\n", "Zm9*", "Zm9vYg"])
    func whatIsNoBase64IsNone(text: String) { #expect(Base64.decode(text) == nil) }

    @Test func statusNeedsNoLeader() async throws {
        let leader = try LoneMember()
        let follower = try FollowingMember(of: leader)
        #expect(try await follower.ask(.get, "/v1/status/leader").text == #""10.0.0.1:2377""#)
        follower.cutOff()
        #expect(try await follower.ask(.get, "/v1/status/leader").text == #""""#)
        #expect(try await follower.ask(.get, "/v1/status/peers").text == #"["10.0.0.1:2377","10.0.0.2:2377"]"#)
    }
}

extension DiscoveryCluster {
    func transact(_ operations: String...) async throws -> Answer {
        try await ask(.put, "/v1/txn", "[\(operations.joined(separator: ","))]")
    }
}
