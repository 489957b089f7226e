import Model
import Testing

@testable import Agent

@Suite struct HeldFilesTests {
    private func task(secrets: [String] = [], configs: [String] = []) -> ClusterTask {
        var task = makeTask("true")
        task.spec.containerSpec?.secrets = secrets.map {
            FileReference(secretID: $0, secretName: "name-\($0)", file: .init(name: $0))
        }
        task.spec.containerSpec?.configs = configs.map {
            FileReference(configID: $0, configName: "name-\($0)", file: .init(name: $0))
        }
        return task
    }

    private func file(_ id: String) -> AssignedFile { AssignedFile(id: id, content: Base64Bytes(Array(id.utf8))) }

    @Test func fromNothingToAllAndBack() {
        var held = HeldFiles()
        let task = task(secrets: ["s1"], configs: ["c1"])
        #expect(held.supply(of: self.task()) == .complete, "it needs none")
        #expect(held.supply(of: task) == .awaited)
        held.take([file("s1")])
        #expect(held.supply(of: task) == .awaited)
        held.take([file("c1"), file("other")])
        #expect(held.supply(of: task) == .complete)
        #expect(held.contents(of: task) == ["s1": Array("s1".utf8), "c1": Array("c1".utf8)], "and nothing else")
        held.keep(["s1"])
        #expect(held.supply(of: task) == .missing("config not found: name-c1"))
        held.take([file("c1")])
        held.drop(["s1", "unknown"])
        #expect(held.supply(of: task) == .missing("secret not found: name-s1"))
        #expect(held.contents(of: task) == ["c1": Array("c1".utf8)])
    }
}
