import Platform
import Raft
import Testing

@testable import Daemon

@Suite struct NodeIDTests {
    @Test func eachLifeOfANodeHasAPlaceOfItsOwn() {
        let places = ["n1", "n2"].flatMap { id in (0..<100).map { NodeID(of: id, incarnation: $0) } }
        #expect(Set(places).count == 200)
        #expect(NodeID(of: "n1") == NodeID(of: "n1", incarnation: 0))
        for incarnation: UInt32 in [0, 1, 99, .max] {
            let place = NodeID(of: "n1", incarnation: incarnation)
            #expect(place.incarnation(of: "n1") == incarnation)
            #expect(place.incarnation(of: "n2") == nil)
            #expect(
                place
                    == NodeID(of: PeerIdentity(nodeID: "n1", role: .manager, clusterID: "c", incarnation: incarnation))
            )
        }
        #expect(NodeID(NodeID(of: "n1").value - 1).incarnation(of: "n1") == nil)
    }
}
