import Model
import Platform
import Store
import Testing

@testable import Manager

@Suite struct RolePlanTests {
    /// - Parameter certificate: what the node has said that it is; nil for what it is taken for.
    private static func node(
        _ id: String, wished: NodeRole, is role: NodeRole? = nil, _ incarnation: UInt32? = nil,
        certificate: (NodeRole, UInt32)? = nil
    ) -> Node {
        var node = TestCluster.node(id)
        node.spec.role = wished
        node.role = role
        node.incarnation = incarnation
        node.clusterAddress = "\(id):2377"
        let noted = certificate ?? (role ?? wished, incarnation ?? 0)
        node.certificate = NodeCertificate(issuer: "r", trusted: ["r"], role: noted.0, incarnation: noted.1)
        return node
    }

    private static func member(
        _ id: String?, _ incarnation: UInt32 = 0, place: UInt64 = 0, leads: Bool = false, up: Bool = true,
        votes: Bool = true
    ) -> GroupMember {
        GroupMember(
            place: place, nodeID: id, incarnation: incarnation, address: "\(id ?? "nobody"):2377", isVoter: votes,
            isReachable: up, isLeader: leads)
    }

    private static func steps(_ nodes: [Node], _ group: [GroupMember]) -> [RolePlan.Step] {
        RolePlan(nodes, group).steps
    }

    @Test func nothingIsDoneWhereAllIsAsWished() {
        let nodes = [
            Self.node("m1", wished: .manager), Self.node("m2", wished: .manager, is: .manager, 2),
            Self.node("w1", wished: .worker), Self.node("w2", wished: .worker, is: .worker, 1),
        ]
        #expect(Self.steps(nodes, [Self.member("m1", leads: true), Self.member("m2", 2)]).isEmpty)
    }

    /// What was noted before nodes could change says nothing of roles.
    @Test func nodesOfAnEarlierVersionAreLeftAlone() {
        var old = Self.node("m1", wished: .manager)
        old.certificate = NodeCertificate(issuer: "r", trusted: ["r"])
        var older = Self.node("w1", wished: .worker)
        older.certificate = nil
        #expect(Self.steps([old, older], [Self.member("m1", leads: true)]).isEmpty)
        old.role = .manager
        #expect(Self.steps([old], [Self.member("m1", leads: true)]) == [.ask(nodeID: "m1")])
    }

    @Test func promotionIsACertificateThenAPlace() {
        let group = [Self.member("m1", leads: true)]
        let first = Self.node("m1", wished: .manager)
        let told = Self.node("w1", wished: .manager, is: .manager, 1, certificate: (.worker, 0))
        #expect(Self.steps([first, told], group) == [.ask(nodeID: "w1")])
        let ready = Self.node("w1", wished: .manager, is: .manager, 1)
        let admit = RolePlan.Step.admit(nodeID: "w1", incarnation: 1, address: "w1:2377")
        #expect(Self.steps([first, ready], group) == [admit])
        #expect(Self.steps([first, ready], group + [Self.member("w1", 1, votes: false)]) == [admit])
        #expect(Self.steps([first, ready], group + [Self.member("w1", 1)]).isEmpty)
    }

    @Test func demotionIsLeavingThenCountingAsAWorkerThenACertificate() {
        let group = [Self.member("m1", leads: true), Self.member("m2", place: 7)]
        let first = Self.node("m1", wished: .manager)
        let leaving = Self.node("m2", wished: .worker, is: .manager)
        #expect(Self.steps([first, leaving], group) == [.expel(place: 7, nodeID: "m2")])
        #expect(Self.steps([first, leaving], [group[0]]) == [.retire(nodeID: "m2")])
        let retired = Self.node("m2", wished: .worker, is: .worker, certificate: (.manager, 0))
        #expect(Self.steps([first, retired], [group[0]]) == [.ask(nodeID: "m2")])
        // One that was made a worker before it ever became a manager.
        let never = Self.node("w1", wished: .worker, is: .manager, 1, certificate: (.worker, 0))
        #expect(Self.steps([first, never], [group[0]]) == [.retire(nodeID: "w1")])
    }

    @Test func theLeaderHandsOverToOneThatStays() {
        let nodes = [
            Self.node("m1", wished: .worker, is: .manager), Self.node("m2", wished: .worker, is: .manager),
            Self.node("m3", wished: .manager), Self.node("m4", wished: .manager),
        ]
        let group = [
            Self.member("m1", leads: true), Self.member("m2", place: 2), Self.member("m3", up: false),
            Self.member("m4"),
        ]
        #expect(Self.steps(nodes, group).contains(.handOver(to: "m4")))
        let alone = [Self.member("m1", leads: true), Self.member("m3", up: false)]
        #expect(
            Self.steps([nodes[0], nodes[2]], alone)
                == [.wait(nodeID: "m1", reason: "no other manager is there to lead")])
    }

    @Test func nobodyLeavesWhereTheQuorumWouldBeLost() {
        let nodes = [
            Self.node("m1", wished: .manager), Self.node("m2", wished: .worker, is: .manager),
            Self.node("m3", wished: .manager),
        ]
        let group = [
            Self.member("m1", leads: true), Self.member("m2", place: 1), Self.member("m3", place: 2, up: false),
        ]
        guard case .wait("m2", let reason)? = Self.steps(nodes, group).first else {
            Issue.record("\(Self.steps(nodes, group))")
            return
        }
        #expect(reason.contains("1 of the 2"))
    }

    /// A node that was removed in the middle of it, and one that came back before its former place was given up.
    @Test func placesWithoutANodeAreGivenUp() {
        let nodes = [Self.node("m1", wished: .manager), Self.node("m2", wished: .manager, is: .manager, 2)]
        let group = [
            Self.member("m1", leads: true), Self.member(nil, place: 5), Self.member("m2", 1, place: 6),
            Self.member("m2", 2),
        ]
        #expect(Self.steps(nodes, group) == [.expel(place: 5, nodeID: nil), .expel(place: 6, nodeID: "m2")])
        // A leader whose node is gone must not expel itself.
        #expect(Self.steps([nodes[1]], [group[0], group[3]]).isEmpty)
    }

    @Test func whoWasLetInAndNeverCameIsNamed() {
        var late = Self.node("w1", wished: .worker)
        late.status = NodeStatus(state: .down, message: NodeStatus.letIn)
        let here = Self.node("m1", wished: .manager)
        #expect(RolePlan([late, here], [Self.member("m1", leads: true)]).silent == ["w1"])
    }

    // MARK: Simulated

    /// A group whose nodes do what the steps say, or die over it; who leads changes, and wishes do.
    private struct Machine {
        var nodes: [String: Node] = [:]
        /// What each node has written down: its certificate.
        var certificates: [String: (NodeRole, UInt32)] = [:]
        var isUp: [String: Bool] = [:]
        /// Places by node and incarnation; the value says whether it votes.
        var group: [String: Bool] = [:]
        var leader = "n0"
        var random: SeededRandom

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
            for number in 0..<7 {
                let id = "n\(number)"
                nodes[id] = RolePlanTests.node(id, wished: number < 3 ? .manager : .worker)
                certificates[id] = (number < 3 ? .manager : .worker, 0)
                isUp[id] = true
                if number < 3 { group["\(id)#0"] = true }
            }
        }

        var members: [GroupMember] {
            group.sorted { $0.key < $1.key }.enumerated().map { place, entry in
                let parts = entry.key.split(separator: "#")
                let (id, incarnation) = (String(parts[0]), UInt32(parts[1]) ?? 0)
                return GroupMember(
                    place: UInt64(place), nodeID: id, incarnation: incarnation, address: "\(id):2377",
                    isVoter: entry.value, isReachable: isThere(id, incarnation), isLeader: id == leader)
            }
        }

        /// Whether that life of the node answers.
        func isThere(_ id: String, _ incarnation: UInt32) -> Bool {
            guard let certificate = certificates[id] else { return false }
            return isUp[id] == true && certificate.0 == .manager && certificate.1 == incarnation
        }

        var hasQuorum: Bool {
            let voters = members.filter(\.isVoter)
            return voters.count { $0.isReachable } > voters.count / 2
        }

        var sorted: [Node] { nodes.values.sorted { $0.id < $1.id } }

        mutating func elect() {
            let able = members.filter { $0.isVoter && $0.isReachable }.compactMap(\.nodeID)
            if !able.contains(leader), !able.isEmpty { leader = able[random.below(able.count)] }
        }

        /// One step of the leader's, or what keeps it from being taken.
        mutating func take(_ step: RolePlan.Step) {
            switch step {
            case .ask(let id):
                guard isUp[id] == true, let node = nodes[id] else { return }
                // The node writes it down; the word that it did may be lost.
                certificates[id] = (node.currentRole, node.incarnation ?? 0)
                guard random.chance(70) else { return }
                nodes[id]?.certificate = NodeCertificate(
                    issuer: "r", trusted: ["r"], role: node.currentRole, incarnation: node.incarnation ?? 0)
            case .admit(let id, let incarnation, _):
                #expect(nodes[id]?.spec.role == .manager && nodes[id]?.incarnation ?? 0 == incarnation)
                guard isThere(id, incarnation) else { return }
                group["\(id)#\(incarnation)"] = random.chance(80) || group["\(id)#\(incarnation)"] == true
            case .handOver(let id): leader = id
            case .expel(let place, _):
                let member = members[Int(place)]
                #expect(!member.isLeader)
                group["\(member.nodeID ?? "")#\(member.incarnation)"] = nil
                #expect(hasQuorum, "expelling \(member) loses the quorum")
            case .retire(let id):
                #expect(!members.contains { $0.nodeID == id && $0.incarnation == nodes[id]?.incarnation ?? 0 })
                nodes[id]?.role = .worker
            case .wait: break
            }
        }

        mutating func wish() {
            let id = "n\(random.below(7))"
            guard var node = nodes[id] else { return }
            let wanted: NodeRole = node.spec.role == .manager ? .worker : .manager
            let others = Set(nodes.values.filter { $0.spec.role == .manager && $0.id != id }.map(\.id))
            if wanted == .worker {
                guard (try? RoleChange.check(demotionOf: node, managers: others, members)) != nil else { return }
            }
            node.wish(wanted)
            nodes[id] = node
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>) func everyNodeBecomesWhatItIsWishedToBe(seed: UInt64) {
        var machine = Machine(seed: seed)
        for _ in 0..<300 {
            let id = "n\(machine.random.below(7))"
            if machine.random.chance(5) {
                machine.isUp[id]?.toggle()
                // Faults are kept below what the group bears: losing the quorum is not what this is about.
                if !machine.hasQuorum { machine.isUp[id]?.toggle() }
            }
            machine.elect()
            if machine.random.chance(20) { machine.wish() }
            let plan = RolePlan(machine.sorted, machine.members)
            if let step = machine.random.pick(plan.steps) { machine.take(step) }
        }
        for id in machine.isUp.keys { machine.isUp[id] = true }
        for _ in 0..<200 {
            machine.elect()
            guard let step = machine.random.pick(RolePlan(machine.sorted, machine.members).steps) else { break }
            machine.take(step)
        }
        #expect(RolePlan(machine.sorted, machine.members).steps.isEmpty)
        let wished = machine.sorted.filter { $0.spec.role == .manager }.map { "\($0.id)#\($0.incarnation ?? 0)" }
        #expect(machine.group.keys.sorted() == wished && machine.group.values.allSatisfy { $0 })
        for node in machine.sorted {
            let certificate = machine.certificates[node.id]
            #expect(certificate?.0 == node.spec.role && certificate?.1 == node.incarnation ?? 0)
        }
    }
}
