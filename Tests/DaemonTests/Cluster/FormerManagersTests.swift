import Platform
import Raft
import TestSupport
import Testing

@testable import Daemon

@Suite struct FormerManagersTests {
    @Test func whoWasDroppedIsOutUntilTheConfigurationNamesIt() throws {
        let folder = try TemporaryDirectory("former")
        var former = try FormerManagers.load(from: folder.path)
        #expect(former.all.isEmpty && !former.isFlagSpent)
        former.add([NodeID(9), NodeID(UInt64.max), NodeID(9)])
        former.isFlagSpent = true
        try former.save(in: folder.path)
        let again = try FormerManagers.load(from: folder.path)
        #expect(again.all == [NodeID(9), NodeID(UInt64.max)] && again.isFlagSpent)
        let alone = Configuration(voters: [Member(id: NodeID(1), address: "a")])
        #expect(again.isOut(NodeID(9), of: alone))
        #expect(!again.isOut(NodeID(1), of: alone) && !again.isOut(NodeID(2), of: alone))
        #expect(!again.isOut(NodeID(9), of: alone.adding(Member(id: NodeID(9), address: "b"))))
    }

    @Test(arguments: ["", "{", #"{"format":2,"members":[],"isFlagSpent":false}"#, #"{"format":1,"members":[-1]}"#])
    func whatIsDamagedOrNewerIsSaid(text: String) throws {
        let folder = try TemporaryDirectory("former")
        try Files.write(folder.file("former-managers.json"), Array(text.utf8))
        #expect(throws: ConfigurationError.self) { try FormerManagers.load(from: folder.path) }
    }
}
