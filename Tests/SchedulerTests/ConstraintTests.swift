import Model
import Testing

@testable import Scheduler

struct ConstraintTests {
    let node = NodeTraits(
        id: "n1abc", hostname: "Host-1", role: .manager,
        platform: NodeDescription.Platform(architecture: "x86_64", os: "linux"),
        labels: ["zone": "Eu-1", "disk": "ssd"],
        engineLabels: ["gpu": "yes"])

    @Test(arguments: [
        "node.id==N1ABC", "node.id != other", "node.hostname==host-1", "NODE.ROLE == manager", "node.role!=worker",
        "node.platform.os==linux", "node.platform.arch==amd64", "node.platform.arch==x86_64", "node.labels.zone==eu-1",
        "node.labels.rack!=r1", "engine.labels.gpu==yes", "node.platform.arch!=arm64", "  node.labels.disk  ==  ssd  ",
    ])
    func holds(text: String) throws {
        #expect(try Constraint(text).isSatisfied(by: node))
    }

    @Test(arguments: [
        "node.id==other", "node.hostname!=host-1", "node.role==worker", "node.labels.zone==us", "node.labels.rack==r1",
        "node.labels.ZONE==eu-1", "engine.labels.gpu!=YES", "node.platform.arch==aarch64",
    ])
    func doesNotHold(text: String) throws {
        #expect(try !Constraint(text).isSatisfied(by: node))
    }

    @Test(arguments: [
        ("node.id", ConstraintError.Reason.noOperator), ("node.id=x", .noOperator), ("", .noOperator),
        ("==x", .badKey("")), ("no de.id==x", .badKey("no de.id")), ("1node.id==x", .badKey("1node.id")),
        ("node.id==", .badValue("")), ("node.id==a;b", .badValue("a;b")), ("node.id===x", .badValue("=x")),
        ("node.color==x", .unknownKey("node.color")), ("node.labels.==x", .unknownKey("node.labels.")),
    ])
    func saysWhatIsWrong(text: String, reason: ConstraintError.Reason) {
        #expect { try Constraint(text) } throws: { ($0 as? ConstraintError)?.reason == reason }
    }

    @Test func lengthAndNumberAreBounded() {
        #expect { try Constraint("node.id==" + String(repeating: "x", count: 2_000)) } throws: {
            ($0 as? ConstraintError)?.reason == .tooLong
        }
        #expect { try ConstraintSet(Array(repeating: "node.id==x", count: 257)) } throws: {
            ($0 as? ConstraintError)?.reason == .tooMany
        }
    }

    @Test func garbageNeverTraps() {
        var state: UInt64 = 1
        let pieces = ["node", ".", "labels", "==", "!=", "=", "!", " ", "x", "ü", "\u{0}", "role", "id", "\t"]
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            _ = try? Constraint(text)
        }
    }
}
