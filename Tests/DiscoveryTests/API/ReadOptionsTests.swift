import HTTP
import Testing

@testable import Discovery

@Suite struct ReadOptionsTests {
    @Test func twoModesAtOnceAreRefused() async throws {
        let answer = try await LoneMember().ask(.get, "/v1/kv/a?stale&consistent")
        #expect(answer.status == 400)
        #expect(answer.text == "Cannot specify ?stale with ?consistent, conflicting semantics.")
        #expect(answer.response.headers["X-Consul-Index"] != nil)
        #expect(try await LoneMember().ask(.get, "/v1/kv/a?consistent").status == 404)
    }

    /// scenarios.md, Raft and storage, 7: a leader answers by its lease, where it has none by a majority's word, never by its own.
    @Test(arguments: ["/v1/kv/a", "/v1/session/list", "/v1/status/revision"])
    func aLeaderWithoutALeaseAsksAMajority(path: String) async throws {
        let member = try LoneMember()
        _ = try await member.ask(.put, "/v1/kv/a", "1")
        #expect(try await member.ask(.get, path).status == 200)
        #expect(try await member.ask(.get, path + "?stale").status == 200)
        #expect(member.confirmations == 0)
        #expect(try await member.ask(.get, path + "?consistent").status == 200)
        #expect(member.confirmations == 1)
        member.endLease()
        #expect(try await member.ask(.get, path).status == 200)
        #expect(member.confirmations == 2)
    }

    @Test(arguments: ["index=x", "index=-1", "wait=5", "wait=-1s", "wait=s", "wait=1d", "index=99999999999999999999"])
    func nonsenseIsRefused(query: String) async throws {
        #expect(try await LoneMember().ask(.get, "/v1/kv/a?\(query)").status == 400)
    }

    @Test(arguments: [
        ("index=5", Duration.seconds(300)), ("index=5&wait=30s", .seconds(30)), ("index=5&wait=1m30s", .seconds(90)),
        ("index=5&wait=2h", .seconds(600)), ("index=5&wait=1.5s", .milliseconds(1_500)),
        ("index=5&wait=0", .seconds(300)),
        ("index=5&wait=0s", .seconds(300)), ("index=5&wait=", .seconds(300)),
    ])
    func aWaitHasItsBounds(query: String, expected: Duration) throws {
        let options = try ReadOptions(try HTTPQuery(parsing: query))
        #expect(options.index == 5)
        #expect(options.wait == expected)
        for _ in 0..<100 {
            #expect(options.waitWithJitter >= expected && options.waitWithJitter <= expected + expected / 16)
        }
    }

    @Test func durationsAreGos() {
        #expect(QueryDuration.parse("1h2m3s4ms") == .milliseconds(3_723_004))
        #expect(QueryDuration.parse(".5s") == .milliseconds(500))
        for text in ["", "s", "1", "1x", "--1s", "1s2", "..s", "1.2.3s", "9999999999h", "1e3s", " 1s", "∞"] {
            #expect(QueryDuration.parse(text) == nil, "\(text)")
        }
        #expect(QueryDuration.text(.seconds(15)) == "15s")
        #expect(QueryDuration.text(.seconds(90)) == "1m30s")
        #expect(QueryDuration.text(.seconds(86_400)) == "24h0m0s")
    }
}
