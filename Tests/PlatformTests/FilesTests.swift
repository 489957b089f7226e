import Platform
import TestSupport
import Testing

@Suite struct FilesTests {
    @Test func replacesWholly() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("state")
        try Files.replace(path, with: [1, 2, 3])
        try Files.replace(path, with: [UInt8](repeating: 7, count: 100_000))
        #expect(try Files.read(path) == [UInt8](repeating: 7, count: 100_000))
        #expect(try Files.list(folder.path) == ["state"])
    }

    @Test func refusesMoreThanTheLimit() throws {
        let folder = try TemporaryDirectory()
        let path = folder.file("long")
        try Files.write(path, [UInt8](repeating: 0, count: 10_001))
        #expect(try Files.read(path, limit: 10_001).count == 10_001)
        #expect(throws: SystemError.self) { try Files.read(path, limit: 10_000) }
    }

    @Test func readsFilesOfUnknownSize() throws {
        #expect(try Files.readText("/proc/self/status").contains("VmRSS"))
        #expect(throws: SystemError.self) { try Files.read("/proc/nothing") }
    }

    @Test func makesAndRemovesTrees() throws {
        let folder = try TemporaryDirectory()
        let deep = folder.file("a/b/c")
        try Files.createDirectories(deep)
        try Files.createDirectories(deep)
        try Files.append("\(deep)/one", [1])
        try Files.append("\(deep)/one", [2])
        #expect(try Files.read("\(deep)/one") == [1, 2])
        #expect(Files.isDirectory(deep))
        try Files.remove(folder.file("a"))
        try Files.remove(folder.file("a"))
        #expect(!Files.exists(folder.file("a")))
        try Files.write(folder.file("file"), [])
        #expect(throws: SystemError.self) { try Files.createDirectories(folder.file("file/x")) }
    }

    @Test func errorsNameCallAndObject() throws {
        let error = #expect(throws: SystemError.self) { try Files.read("/nowhere/at/all") }
        #expect(error?.description == "open /nowhere/at/all: No such file or directory")
    }
}
