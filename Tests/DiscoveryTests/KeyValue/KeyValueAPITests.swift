import HTTP
import Store
import Testing

@testable import Discovery

@Suite struct KeyValueAPITests {
    @Test func aValueComesBackAsConsulAnswersIt() async throws {
        let member = try LoneMember()
        let put = try await member.ask(.put, "/v1/kv/a/b?flags=7", "hello")
        #expect(put.text == "true")
        let got = try await member.ask(.get, "/v1/kv/a/b")
        #expect(
            got.text == #"[{"LockIndex":0,"Key":"a/b","Flags":7,"Value":"aGVsbG8=","CreateIndex":1,"ModifyIndex":1}]"#)
        #expect(got.index == 1)
        #expect(try await member.ask(.get, "/v1/kv/a/b?raw").text == "hello")
    }

    @Test func aMissingKeyIsAnEmptyAnswerWithTheHeaders() async throws {
        let missing = try await LoneMember().ask(.get, "/v1/kv/none")
        #expect(missing.response.status == .notFound)
        #expect(missing.text.isEmpty)
        for name in ["X-Consul-Index", "X-Consul-LastContact", "X-Consul-KnownLeader"] {
            #expect(missing.response.headers[name] != nil, "\(name)")
        }
    }

    @Test func checkAndSetWritesOnlyWhatItSaw() async throws {
        let member = try LoneMember()
        #expect(try await member.ask(.put, "/v1/kv/k?cas=0", "1").text == "true")
        #expect(try await member.ask(.put, "/v1/kv/k?cas=0", "2").text == "false")
        #expect(try await member.ask(.put, "/v1/kv/k?cas=1", "3").text == "true")
        #expect(member.store.revision == 2)
        #expect(try await member.ask(.delete, "/v1/kv/k?cas=1").text == "false")
        #expect(try await member.ask(.delete, "/v1/kv/k?cas=2").text == "true")
        #expect(try await member.ask(.get, "/v1/kv/k").response.status == .notFound)
    }

    @Test func aPrefixHasTheIndexOfItsLastChangeDeletionsIncluded() async throws {
        let member = try LoneMember()
        for key in ["a/1", "a/2", "b/1"] { _ = try await member.ask(.put, "/v1/kv/\(key)", "x") }
        #expect(try await member.ask(.get, "/v1/kv/a?recurse").index == 2)
        #expect(try await member.ask(.get, "/v1/kv/?keys&separator=/").text == #"["a/","b/"]"#)
        _ = try await member.ask(.delete, "/v1/kv/a?recurse")
        let gone = try await member.ask(.get, "/v1/kv/a?recurse")
        #expect(gone.response.status == .notFound)
        #expect(gone.index == 4)
        #expect(try await member.ask(.get, "/v1/kv/b/1").index == 3)
    }

    @Test func whatCannotBeIsRefused() async throws {
        let member = try LoneMember()
        #expect(try await member.ask(.put, "/v1/kv/", "x").response.status == .badRequest)
        #expect(try await member.ask(.put, "/v1/kv/a/../b", "x").response.status == .badRequest)
        #expect(try await member.ask(.put, "/v1/kv/k?cas=x", "x").response.status == .badRequest)
        #expect(try await member.ask(.delete, "/v1/kv/k?recurse&cas=1").response.status == .badRequest)
        let large = String(repeating: "x", count: (512 << 10) + 1)
        #expect(try await member.ask(.put, "/v1/kv/k", large).response.status == .contentTooLarge)
        #expect(try await member.ask(.put, "/v1/kv/k", String(large.dropLast())).text == "true")
    }

    @Test func theStateOfASnapshotIsTheSame() async throws {
        let member = try LoneMember()
        for number in 0..<200 { _ = try await member.ask(.put, "/v1/kv/k\(number % 30)", "\(number)") }
        _ = try await member.ask(.delete, "/v1/kv/k1?recurse")
        let copy = try LoneMember()
        try copy.store.restore(member.store.snapshotBytes().bytes)
        #expect(copy.store.digest == member.store.digest)
        #expect(try await copy.ask(.get, "/v1/kv/?recurse").text == member.ask(.get, "/v1/kv/?recurse").text)
    }

    @Test func historyIsBounded() throws {
        var state = KeyValueState()
        var writes: [RowWrite] = []
        let count = UInt64(KeyValueState.Limits.history)
        for revision in 1...(count + 1_000) {
            let key = Array("k\(revision % 100)".utf8)
            state.put(KeyVersion(key: key[...], value: [], create: 1, modify: revision), &writes)
        }
        #expect(state.compacted == 1_000)
        var seen = 0
        state.forEachVersion(after: 0) { _ in
            seen += 1
            return true
        }
        #expect(seen == Int(count))
    }
}
