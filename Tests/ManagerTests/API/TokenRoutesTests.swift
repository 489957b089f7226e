import HTTP
import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite(.timeLimit(.minutes(1))) struct TokenRoutesTests {
    @Test func aTokenIsShownOnce() async throws {
        try await TestAPI.run { api in
            let made = try await api.call(
                .post, "/tokens/create",
                #"{"Name":"ci","Policy":{"rules":[{"kind":"key","access":"write","prefix":"app/"}]},"TTL":60000000000}"#
            )
            #expect(made.status == 201, "\(made.text)")
            let word = try #require(made.member("Token"))
            let kept = try #require(api.cluster.snapshot.all(AccessToken.self).first)
            let parts = try #require(AccessToken.parts(of: word))
            #expect(parts.id == kept.id && kept.isProved(by: parts.secret, now: start))
            #expect(!kept.isProved(by: parts.secret, now: start + .seconds(60)))
            for path in ["/tokens", "/tokens/ci"] {
                let text = try await api.get(path).text
                #expect(text.contains("app/") && !text.contains(parts.secret) && !text.contains(kept.hash))
            }
            let again = try await api.call(.post, "/tokens/create", #"{"Name":"ci","Policy":{"rules":[]}}"#)
            #expect(again.status == 409)
            #expect(try await api.call(.delete, "/tokens/ci").status == 204)
            #expect(api.cluster.snapshot.count(AccessToken.self) == 0)
            let anonymous = try await api.call(.post, "/tokens/create", #"{"Name":"anonymous","Policy":{"rules":[]}}"#)
            #expect(anonymous.status == 201 && anonymous.member("Token") == nil)
        }
    }

    static let refused: [(String, Int)] = [
        (#"{"Name":"","Policy":{"rules":[]}}"#, 400), (#"{"Name":"a b","Policy":{"rules":[]}}"#, 400),
        (#"{"Name":"a"}"#, 400), (#"{"Name":"a","Policy":{}}"#, 400), (#"{"Name":"a","Policy":[]}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"all","access":"read"}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"key","access":"rule"}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"service","access":"read","prefix":"a"}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"*","access":"read","prefix":"a"}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"key","access":"admin","prefix":"a"}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"key","access":"read","prefix":""}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"service","access":"read","label":["a"]}]}}"#, 501),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"service","access":"read","labels":{"a":"b"}}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"service","access":"read","labels":[]}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"service","access":"read","labels":["=b"]}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"service","access":"read","labels":[""]}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"key","access":"read","labels":["a=b"]}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"volume","access":"read","labels":["a=b"]}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[{"kind":"cluster","access":"admin","labels":["a=b"]}]}}"#, 400),
        (#"{"Name":"a","Policy":{"rules":[]},"TTL":-1}"#, 400), (#"{"Name":"a","Policy":{"rules":[]},"TTL":1.5}"#, 400),
        ("{", 400), ("", 400),
    ]

    @Test(arguments: refused) func whatCannotBeIsRefused(body: String, status: Int) async throws {
        try await TestAPI.run { api in
            let answer = try await api.call(.post, "/tokens/create", body)
            #expect(answer.status == status, "\(answer.text)")
            #expect(api.cluster.snapshot.count(AccessToken.self) == 0)
        }
    }

    @Test func labelsWaitForTheLastManager() async throws {
        try await TestAPI.run { api in
            let rule = #"{"kind":"service","access":"read","labels":["team=red","x"]}"#
            let body = #"{"Name":"a","Policy":{"rules":[\#(rule)]}}"#
            let early = try await api.call(.post, "/tokens/create", body)
            #expect(early.status == 503 && early.text.contains("upgrade"), "\(early.text)")
            api.cluster.members.set(level: CommandLevel.current)
            #expect(try await api.call(.post, "/tokens/create", body).status == 201)
            #expect(api.cluster.snapshot.all(AccessToken.self).first?.policy.rules.first?.labels == ["team=red", "x"])
        }
    }
}
