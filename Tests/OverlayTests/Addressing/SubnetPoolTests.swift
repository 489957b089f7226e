import Overlay
import Platform
import Testing

struct SubnetPoolTests {
    private func prefix(_ text: String) throws -> IPv4Prefix { try #require(IPv4Prefix(text)) }

    @Test func subnetsComeLowestFirstAndPastWhatTheHostHas() throws {
        var pool = SubnetPool.overlayDefault
        #expect(try pool.allocate() == prefix("10.0.0.0/24"))
        #expect(try pool.allocate() == prefix("10.0.1.0/24"))
        pool.release(try prefix("10.0.0.0/24"))
        #expect(try pool.allocate(avoiding: [prefix("10.0.0.128/25"), prefix("10.0.2.0/23")]) == prefix("10.0.4.0/24"))
        // A route to all of 10/9 leaves the upper half.
        #expect(try pool.allocate(avoiding: [prefix("10.0.0.0/9")]) == prefix("10.128.0.0/24"))
        #expect(pool.reserved.map(\.description) == ["10.0.1.0/24", "10.0.4.0/24", "10.128.0.0/24"])
    }

    @Test func aFullPoolSaysSo() throws {
        var pool = SubnetPool(base: try prefix("192.168.0.0/23"), subnetLength: 24)
        _ = try pool.allocate()
        _ = try pool.allocate()
        let error = #expect(throws: OverlayError.self) { try pool.allocate() }
        #expect(error?.code == .subnetsExhausted)
        #expect(error?.message == "no free /24 in the address pool 192.168.0.0/23: 2 in use")
    }

    @Test func aNamedSubnetMustNotOverlap() throws {
        var pool = SubnetPool.overlayDefault
        try pool.reserve(prefix("10.0.0.0/16"))
        let error = #expect(throws: OverlayError.self) { try pool.reserve(prefix("10.0.7.0/24")) }
        #expect(error?.code == .subnetOverlaps)
        #expect(try pool.allocate() == prefix("10.1.0.0/24"))
    }

    @Test func theLastSubnetOfTheNumberRangeIsReached() throws {
        var pool = SubnetPool(base: try prefix("255.255.255.0/24"), subnetLength: 25)
        #expect(try pool.allocate() == prefix("255.255.255.0/25"))
        #expect(try pool.allocate() == prefix("255.255.255.128/25"))
        #expect(throws: OverlayError.self) { try pool.allocate() }
    }
}
