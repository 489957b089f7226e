import Discovery
import HTTP
import Platform
import Store
import Synchronization
import TestSupport
import Testing

@testable import clusterctl

/// Whole command lines of `kv` over a real unix socket, against the real API over a store of one member.
@Suite(.timeLimit(.minutes(1))) struct KeyValueCommandTests {
    @Test func aKeysLife() async throws {
        let daemon = try KeyValueDaemon()
        #expect(await daemon.run("kv", "put", "app/colour", "blue").output == "app/colour\n")
        #expect(await daemon.run("kv", "get", "app/colour").output == "blue\n")
        #expect(await daemon.run("kv", "get", "app/colour", "--raw").output == "blue")
        #expect(
            await daemon.run("kv", "get", "app/colour", "--format", "{{.ModifyIndex}} {{.Key}}").output
                == "1 app/colour\n")
        // What the help names is there, whether or not somebody holds it.
        #expect(
            await daemon.run("kv", "get", "app/colour", "--format", "{{.LockIndex}}|{{.Session}}|{{.Flags}}").output
                == "0||0\n")
        let json = await daemon.run("kv", "get", "app/colour", "--format", "json", "--consistent")
        #expect(json.output.contains(#""Value" : "Ymx1ZQ==""#), "\(json)")
        #expect(await daemon.run("kv", "put", "app/größe", "").status == 0)
        #expect(await daemon.run("kv", "put", "b", "--flags", "7", "--", "--x").status == 0)
        #expect(await daemon.run("kv", "get", "b").output == "--x\n")
        let list = await daemon.run("kv", "ls", "app/")
        #expect(
            list.output.contains("KEY") && list.output.contains("app/colour   4B")
                && list.output.contains("app/größe    0B"), "\(list)")
        #expect(await daemon.run("kv", "ls", "-q").output == "app/colour\napp/größe\nb\n")
        #expect(await daemon.run("kv", "ls", "--separator", "/", "--format", "{{.Key}}").output == "app/\nb\n")
        #expect(await daemon.run("kv", "ls", "none").status == 0)
        #expect(await daemon.run("kv", "rm", "b", "never").output == "b\nnever\n")
        #expect(await daemon.run("kv", "rm", "app/", "--recurse").status == 0)
        let gone = await daemon.run("kv", "get", "app/colour")
        #expect(gone.status == 1 && gone.error.contains("no such key: app/colour"))
    }

    @Test func conditionsAreSaidAndKept() async throws {
        let daemon = try KeyValueDaemon()
        #expect(await daemon.run("kv", "put", "k", "1", "--cas", "0").status == 0)
        let exists = await daemon.run("kv", "put", "k", "2", "--cas", "0")
        #expect(exists.status == 1 && exists.error.contains("k exists already"))
        #expect(await daemon.run("kv", "put", "k", "2", "--cas", "1").status == 0)
        let stale = await daemon.run("kv", "put", "k", "3", "--cas", "1")
        #expect(stale.status == 1 && stale.error.contains("not at index 1 any more"))
        let kept = await daemon.run("kv", "rm", "k", "--cas", "1")
        #expect(kept.status == 1 && kept.error.contains("nothing was deleted"), "\(kept)")
        let noSession = await daemon.run("kv", "put", "k", "x", "--acquire", "none")
        #expect(noSession.status == 1 && noSession.error.contains("invalid session"))
        #expect(await daemon.run("kv", "put", "k", "x", "--release", "none").error.contains("not held by that session"))
        #expect(await daemon.run("kv", "get", "k").output == "2\n")
        #expect(await daemon.run("kv", "rm", "k", "--cas", "2").status == 0)
    }

    @Test(arguments: [
        ["kv", "put", "k"], ["kv", "put", "k", "v", "--input", "f"], ["kv", "put", "k", "v", "--cas", "x"],
        ["kv", "put", "k", "v", "--cas", "1", "--acquire", "s"], ["kv", "get"],
        ["kv", "get", "k", "--stale", "--consistent"],
        ["kv", "rm", "k", "--recurse", "--cas", "1"], ["kv", "watch"], ["kv", "watch", "k", "--revision", "0"],
        ["kv", "compact", "x"], ["kv", "fly"],
    ])
    func whatIsNotUnderstoodIsStatus64(words: [String]) async throws {
        let daemon = try KeyValueDaemon()
        #expect(await daemon.run(words).status == 64)
    }

    @Test func valuesComeFromFilesByteForByte() async throws {
        let daemon = try KeyValueDaemon()
        let directory = try TemporaryDirectory()
        let value = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
        try Files.write(directory.file("v"), value)
        #expect(await daemon.run("kv", "put", "bin", "-i", directory.file("v")).status == 0)
        #expect(await daemon.runBytes("kv", "get", "bin", "--raw") == value)
        #expect(await daemon.run("kv", "put", "bin", "-i", directory.file("none")).status == 1)
        try Files.write(directory.file("large"), [UInt8](repeating: 0, count: (512 << 10) + 1))
        let large = await daemon.run("kv", "put", "bin", "-i", directory.file("large"))
        #expect(large.status == 1 && large.error.contains("max size: 524288 bytes"), "\(large)")
    }

    @Test func aTransactionIsAFile() async throws {
        let daemon = try KeyValueDaemon()
        let directory = try TemporaryDirectory()
        let file = directory.file("txn.json")
        try Files.write(
            file,
            Array(#"[{"KV":{"Verb":"cas","Key":"a","Index":0,"Value":"MQ=="}},{"KV":{"Verb":"get","Key":"a"}}]"#.utf8))
        let done = await daemon.run("kv", "txn", file, "--format", "{{.Key}} {{.Value}}")
        #expect(done.output == "a \na MQ==\n" && done.status == 0, "\(done)")
        let failed = await daemon.run("kv", "txn", file)
        #expect(failed.status == 1)
        #expect(
            failed.error.contains("nothing was changed\noperation 0: failed to set key \"a\", index is stale"),
            "\(failed)")
        try Files.write(file, Array("[7]".utf8))
        #expect(await daemon.run("kv", "txn", file).status == 1)
    }

    @Test func aWatchFollows() async throws {
        let daemon = try KeyValueDaemon()
        for value in ["1", "2"] { _ = await daemon.run("kv", "put", "k", value) }
        _ = await daemon.run("kv", "rm", "k")
        let all = await daemon.run("kv", "watch", "k", "--revision", "1", "--count", "3")
        #expect(all.output == "1 set k 1\n2 set k 2\n3 delete k\n" && all.status == 0, "\(all)")
        async let next = daemon.run("kv", "watch", "--recurse", "--count", "1", "--format", "json")
        try await eventually { daemon.hasWatcher }
        _ = await daemon.run("kv", "put", "l", "x")
        #expect(await next.output.hasPrefix(#"{"Changes":[{"KV":{"#))
        #expect(await daemon.run("kv", "compact", "3").output == "3\n")
        let gone = await daemon.run("kv", "watch", "k", "--revision", "1")
        #expect(gone.status == 1 && gone.error.contains("revision 1 has been compacted"), "\(gone)")
    }

    @Test func helpNamesEveryVerb() async throws {
        let daemon = try KeyValueDaemon()
        let help = await daemon.run("kv", "--help")
        for verb in ["get", "put", "ls", "rm", "watch", "txn", "compact"] {
            #expect(help.output.contains("\n  \(verb) "), "\(help)")
            #expect(await daemon.run("kv", verb, "--help").output.hasPrefix("Usage: clusterctl kv \(verb)"))
        }
    }
}
