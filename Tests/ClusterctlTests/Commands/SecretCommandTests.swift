import Model
import Platform
import Synchronization
import TestSupport
import Testing

@testable import clusterctl

/// Secrets and their versions, over a real unix socket.
@Suite(.timeLimit(.minutes(1))) struct SecretCommandTests {
    private func references(_ daemon: StandInDaemon, _ service: String) -> [String] {
        let spec = daemon.state.withLock { $0.services.values.first { $0.name == service }?.spec }
        return (spec?.taskTemplate.containerSpec?.secrets ?? []).map { "\($0.name ?? "") \($0.path ?? "")" }
    }

    @Test func aSecretAndItsVersions() async throws {
        let directory = try TemporaryDirectory("secret")
        let (one, two) = (directory.file("one"), directory.file("two"))
        try Files.write(one, Array("hunter1".utf8))
        try Files.write(two, Array("hunter2".utf8))
        let daemon = try StandInDaemon()
        #expect(await daemon.run("secret", "create", "db", one, "--label", "a=b").output == "secret1aaaaaaaaaaaa\n")
        let again = await daemon.run("secret", "create", "db", one)
        #expect(again.status == 1 && again.error.contains("secret update db"), "\(again)")
        #expect(await daemon.run("secret", "ls").output.contains("db"))
        let none = await daemon.run("service", "deploy", "x", "--image", "demo:1", "--secret", "nosuch", "--detach")
        #expect(none.status == 1 && none.error.contains("secret not found: nosuch"), "\(none)")
        let deployed = await daemon.run(
            "service", "deploy", "web", "--image", "demo:1", "--secret", "db:pw", "--quiet")
        #expect(deployed.status == 0, "\(deployed)")
        #expect(references(daemon, "web") == ["db /run/secrets/pw"])

        let updated = await daemon.run("secret", "update", "db", two, "--quiet")
        #expect(updated.output == "db.2 created (secret2aaaaaaaaaaaa)\nweb updated\n", "\(updated)")
        #expect(references(daemon, "web") == ["db.2 /run/secrets/pw"])
        let newest = daemon.state.withLock { $0.secrets.last }
        #expect(newest?.spec.data?.bytes == Array("hunter2".utf8))
        #expect(newest?.spec.labels == ["a": "b", "martlet.version-of": "db", "martlet.version": "2"])
        // The same command line as before does not go back to the first version.
        _ = await daemon.run("service", "deploy", "web", "--image", "demo:1", "--secret", "db:pw", "--quiet")
        #expect(references(daemon, "web") == ["db.2 /run/secrets/pw"])
        let third = await daemon.run("secret", "update", "db.2", two, "--prune", "--quiet")
        #expect(third.output.contains("db.3 created"), "\(third)")
        #expect(third.output.hasSuffix("db removed\n"), "the second is what a rollback goes to: \(third)")
        #expect(daemon.state.withLock { $0.secrets.map(\.spec.name) } == ["db.2", "db.3"])
        let taken = await daemon.run("secret", "create", "db", one)
        #expect(taken.status == 1 && taken.error.contains("(as db.3)"), "\(taken)")

        let labels = await daemon.run("secret", "update", "db", "--label-add", "c=d", "--label-rm", "a")
        #expect(labels.output == "db.3\n", "\(labels)")
        #expect(daemon.state.withLock { $0.secrets.last?.spec.labels?["c"] } == "d")
        #expect(await daemon.run("secret", "update", "db").status == 64)
        let inspected = await daemon.run("secret", "inspect", "db", "--format", "{{.Spec.Name}} {{.Spec.Data}}")
        #expect(inspected.status == 0 && !inspected.output.contains("aHVu"), "\(inspected)")
        let removed = await daemon.run("service", "update", "web", "--secret-rm", "db", "--detach")
        #expect(removed.status == 0 && references(daemon, "web").isEmpty, "\(removed)")
        #expect(await daemon.run("service", "update", "web", "--secret-rm", "db", "--detach").status == 1)
        _ = await daemon.run(
            "service", "update", "web", "--secret-add", "db", "--secret-add", "src=db.2,target=old", "-d")
        #expect(references(daemon, "web") == ["db.3 /run/secrets/db", "db.2 /run/secrets/old"])
        #expect(await daemon.run("secret", "rm", "db.2").output == "db.2\n")
    }

    @Test func whatIsNoSecret() async throws {
        let directory = try TemporaryDirectory("secret")
        let (empty, long) = (directory.file("empty"), directory.file("long"))
        try Files.write(empty, [])
        try Files.write(long, [UInt8](repeating: 1, count: FileKind.dataBytes))
        let daemon = try StandInDaemon()
        #expect(await daemon.run("secret", "create", "db", empty).error.contains("at least one byte"))
        #expect(await daemon.run("secret", "create", "db", long).error.contains("less than 512000 bytes"))
        #expect(await daemon.run("secret", "create", "db", "/nonexistent/x").status == 1)
        #expect(await daemon.run("secret", "create", "db").status == 64)
        #expect(daemon.state.withLock { $0.secrets.isEmpty })
    }
}
