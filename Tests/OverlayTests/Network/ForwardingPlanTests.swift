import Platform
import Testing

@testable import Overlay

struct ForwardingPlanTests {
    private let remote = IPv4Address(10, 0, 1, 12)
    private let local = IPv4Address(10, 0, 1, 11)
    private let endpoint = IPv4Address(192, 168, 77, 2)
    private var plan: ForwardingPlan { ForwardingPlan(tunnel: 2, remotes: [remote: endpoint], ports: [7: local]) }

    @Test func anEmptySegmentGetsEverything() {
        let changes = plan.changes(neighbours: [], entries: [])
        #expect(changes.neighboursToSet.map(\.address) == [remote])
        #expect(changes.entriesToSet.count == 3)
        #expect(changes.entriesToRemove.isEmpty && changes.neighboursToRemove.isEmpty)
    }

    @Test func whatIsInPlaceIsLeftAlone() {
        let changes = plan.changes(neighbours: Array(plan.neighbours), entries: Array(plan.entries))
        #expect(changes.count == 0)
    }

    @Test func aMovedTaskIsReplacedAndAGoneOneRemoved() throws {
        let gone = IPv4Address(10, 0, 1, 40)
        let before = ForwardingPlan(
            tunnel: 2, remotes: [remote: IPv4Address(192, 168, 77, 3), gone: endpoint], ports: [7: local])
        let changes = plan.changes(neighbours: Array(before.neighbours), entries: Array(before.entries))
        #expect(changes.neighboursToSet.isEmpty)
        #expect(changes.neighboursToRemove.map(\.address) == [gone])
        let moved = try #require(changes.entriesToSet.first)
        #expect(changes.entriesToSet.count == 1 && moved.destination == endpoint)
        #expect(Set(changes.entriesToRemove.map(\.mac)) == [MACAddress(derivedFrom: gone)])
        #expect(changes.entriesToRemove.count == 2)
    }

    @Test func entriesOfOthersAreLeftAlone() {
        let others = [
            // The device's own address, local to the bridge; a port of an unknown tenant.
            ForwardingEntry(link: 2, mac: MACAddress(value: 5), destination: nil, state: 0x80),
            ForwardingEntry(link: 9, mac: MACAddress(value: 6), destination: nil, state: 0x40),
        ]
        #expect(plan.changes(neighbours: [], entries: others).entriesToRemove.isEmpty)
    }
}
