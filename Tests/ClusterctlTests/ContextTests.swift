import HTTP
import Model
import Platform
import TestSupport
import Testing

@testable import clusterctl

/// Which daemon is asked, and with what.
@Suite(.timeLimit(.minutes(1))) struct ContextTests {
    private static let authority = CertificateAuthority.make(clusterID: "c1")

    /// A home folder of a test's own.
    private final class Home: Sendable {
        let directory: TemporaryDirectory

        init() throws { directory = try TemporaryDirectory("home") }

        var path: String { directory.path }

        func file(_ name: String) -> String { directory.file(name) }
    }

    private func run(_ home: Home, _ words: String..., environment: [String: String] = [:]) async -> (
        status: Int32, output: String, error: String
    ) {
        let recording = RecordingConsole()
        let environment = ["HOME": home.path].merging(environment) { $1 }
        let status = await Clusterctl.run(words, environment: environment, console: recording.console)
        return (status, recording.output, recording.error)
    }

    /// A client's three files in a folder.
    private func files(_ home: Home, _ name: String, of authority: CertificateAuthority = authority)
        throws
        -> String
    {
        let folder = home.file(name)
        try Files.createDirectories(folder)
        let key = PrivateKey.generate()
        let certificate = try authority.issue(
            CertificateRequest(signedBy: key), to: try #require(ClientIdentity(name: "jane", role: .admin)), of: "c1",
            validity: .seconds(3600))
        for (name, bytes) in [("ca", authority.root.pem), ("cert", certificate.pem), ("key", key.pem)] {
            try Files.write("\(folder)/\(name).pem", bytes)
        }
        return folder
    }

    /// An API over TLS that says who asks.
    private func serve(_ body: (SocketAddress) async throws -> Void) async throws {
        let loop = try EventLoop(name: "api")
        let key = PrivateKey.generate()
        let context = try TLSContext.apiServer(
            key: key,
            chain: [Self.authority.issueServer(for: key, name: "h", of: "c1", places: ["127.0.0.1"])],
            clientRoots: [Self.authority.root])
        let server = HTTPServer(loop: loop) { request in
            guard case .secured(let client?) = request.peer.entrance else {
                throw HTTPError(.unauthorized, "a client certificate is wanted here")
            }
            return try .json([["Name": client.client?.name ?? "", "Id": "n1"]])
        }
        let address = try server.listen(on: try #require(SocketAddress.parse("127.0.0.1:0"))) { stream in
            let secured = try await TLSStream.handshake(over: stream, context, within: .seconds(5), on: stream.loop)
            return (secured, HTTPPeer(entrance: .secured(secured.peer)))
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(address)) } catch { result = .failure(error) }
        await server.shutdown(within: .milliseconds(100))
        loop.stop()
        try result.get()
    }

    @Test func aContextIsUsedUntilSomethingElseIsSaid() async throws {
        let home = try Home()
        let folder = try files(home, "jane")
        try await serve { address in
            let host = "tcp://\(address)"
            #expect(await run(home, "context", "create", "prod", "--host", host, "--tls", folder).output == "prod\n")
            #expect(await run(home, "network", "ls").status == 69, "not in use yet")
            #expect(await run(home, "--context", "prod", "network", "ls").output.contains("jane"))
            #expect(await run(home, "context", "use", "prod").status == 0)
            #expect(await run(home, "network", "ls").output.contains("jane"))
            #expect(await run(home, "context", "ls").output.contains("prod *"))
            let local = home.file("nothing.sock")
            #expect(await run(home, "network", "ls", environment: ["CLUSTER_HOST": local]).status == 69)
            #expect(await run(home, "--host", local, "network", "ls").status == 69)
            let named = ["CLUSTER_HOST": host, "CLUSTER_CERT_PATH": folder]
            #expect(await run(home, "network", "ls", environment: named).output.contains("jane"))
            #expect(await run(home, "network", "ls", environment: ["CLUSTER_CONTEXT": "nosuch"]).status == 1)
            #expect(await run(home, "context", "rm", "prod").status == 0)
            #expect(await run(home, "context", "ls", "-q").output == "default\n")
        }
    }

    @Test func whoIsRefusedIsToldWhatToDo() async throws {
        let home = try Home()
        let (good, other) = (
            try files(home, "jane"), try files(home, "other", of: CertificateAuthority.make(clusterID: "c1"))
        )
        try await serve { address in
            let host = "tcp://\(address)"
            let plain = await run(home, "--host", host, "network", "ls")
            #expect(plain.status == 69 && plain.error.contains("give --tls DIR"), "\(plain)")
            let untrusted = await run(home, "--host", host, "--tls", other, "network", "ls")
            #expect(untrusted.status == 69 && untrusted.error.contains("not of the root in ca.pem"), "\(untrusted)")
            let stranger = await run(
                home, "--host", host, "--tls-ca", good + "/ca.pem", "--tls-cert", other + "/cert.pem", "--tls-key",
                other + "/key.pem", "network", "ls")
            #expect(stranger.status == 69 && stranger.error.contains("does not take this certificate"), "\(stranger)")
            let nameless = await run(home, "--host", host, "--tls-ca", good + "/ca.pem", "network", "ls")
            #expect(nameless.status == 1 && nameless.error.contains("client certificate is wanted"), "\(nameless)")
            let mixed = await run(
                home, "--host", host, "--tls", good, "--tls-cert", other + "/cert.pem", "--tls-key", good + "/key.pem",
                "network", "ls")
            #expect(mixed.status == 1 && mixed.error.contains("the key is not that of the certificate"), "\(mixed)")
        }
        let wrong: [[String]] = [
            ["context", "create", "x"], ["context", "create", "a b", "--host", "tcp://127.0.0.1:1"],
            ["context", "create", "default", "--host", "tcp://127.0.0.1:1"],
            ["--host", "a", "--context", "b", "network", "ls"], ["--tls-cert", "x", "network", "ls"],
        ]
        for words in wrong {
            let recording = RecordingConsole()
            let status = await Clusterctl.run(words, environment: ["HOME": home.path], console: recording.console)
            #expect(status == 64, "\(words): \(recording.error)")
        }
        let absent = await run(home, "--host", "tcp://127.0.0.1:1", "--tls", "/nowhere", "network", "ls")
        #expect(absent.status == 1 && absent.error.contains("client-certificate"), "\(absent)")
        try Files.createDirectories(home.file(".config/martlet"))
        try Files.write(home.file(".config/martlet/contexts.json"), Array("{\"Contexts\":[".utf8))
        #expect(await run(home, "network", "ls").error.contains("Mend it"))
    }
}
