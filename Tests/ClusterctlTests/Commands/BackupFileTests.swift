import Glibc
import HTTP
import Model
import Platform
import TestSupport
import Testing

@testable import clusterctl

@Suite struct BackupFileTests {
    private static let content = BackupFrame.magic + Array(repeating: 7, count: 100_000)
    private static let whole = content + Digest.sha256(content)

    private static func body(_ bytes: [UInt8], pieces size: Int = 1_000, failsAfter limit: Int = .max) -> HTTPBody {
        .stream { writer in
            for start in stride(from: 0, to: bytes.count, by: size) {
                if start > limit { throw HTTPError(.badGateway, "the peer is gone") }
                try await writer.write(Array(bytes[start..<min(start + size, bytes.count)]))
            }
        }
    }

    @Test(arguments: [1, 31, 33, 4_096, 1 << 20]) func whatIsWholeIsKept(pieces: Int) async throws {
        let folder = try TemporaryDirectory("backup")
        let path = folder.file("b")
        try Files.write(path, Array("yesterday's".utf8))
        let bytes = pieces < 100 ? BackupFrame.magic + [1] + Digest.sha256(BackupFrame.magic + [1]) : Self.whole
        #expect(try await BackupFile(path).write(Self.body(bytes, pieces: pieces)) == bytes.count)
        #expect(try Files.read(path) == bytes)
        #expect(try Files.list(folder.path) == ["b"])
    }

    @Test(arguments: [
        Array(whole.dropLast()), whole + [0], Array(whole.dropFirst()), [], Array(whole.prefix(40)),
        whole.map { $0 == 7 ? 8 : $0 },
    ])
    func whatIsNotLeavesWhatWasThere(bytes: [UInt8]) async throws {
        let folder = try TemporaryDirectory("backup")
        let path = folder.file("b")
        try Files.write(path, Array("yesterday's".utf8))
        await #expect(throws: Failure.self) { try await BackupFile(path).write(Self.body(bytes)) }
        #expect(try Files.readText(path) == "yesterday's")
        #expect(try Files.list(folder.path) == ["b"])
    }

    /// To standard output all goes that came, and what is not whole is said to be so.
    @Test func aPipeIsGivenAllOfIt() async throws {
        var given: [UInt8] = []
        #expect(try await BackupFile.receive(Self.body(Self.whole)) { given += $0 } == Self.whole.count)
        #expect(given == Self.whole)
        await #expect(throws: Failure.self) {
            try await BackupFile.receive(Self.body(Array(Self.whole.dropLast()))) { _ in }
        }
        await #expect(throws: Failure.self) {
            try await BackupFile.receive(Self.body(Self.whole, failsAfter: 9)) { _ in }
        }
        await #expect(throws: SystemError.self) {
            try await BackupFile.receive(Self.body(Self.whole)) { _ throws(SystemError) in
                throw SystemError(errno: ENOSPC, call: "write")
            }
        }
    }

    @Test func aDaemonThatBreaksOffLeavesWhatWasThere() async throws {
        let folder = try TemporaryDirectory("backup")
        let path = folder.file("b")
        await #expect(throws: Failure.self) {
            try await BackupFile(path).write(Self.body(Self.whole, failsAfter: 50_000))
        }
        #expect(try Files.list(folder.path).isEmpty)
    }
}
