import Overlay
import Platform
import Testing

struct AddressAllocatorTests {
    private func allocator(_ subnet: String, quarantine: Duration = .seconds(30)) throws -> AddressAllocator {
        AddressAllocator(subnet: try #require(IPv4Prefix(subnet)), quarantine: quarantine)
    }

    @Test func addressesComeInOrderAndTheGatewayNever() throws {
        var allocator = try allocator("10.0.1.0/29")
        #expect(allocator.gateway.description == "10.0.1.1")
        #expect(allocator.capacity == 5)
        let given = try (0..<5).map { _ in try allocator.allocate(at: .zero).description }
        #expect(given == ["10.0.1.2", "10.0.1.3", "10.0.1.4", "10.0.1.5", "10.0.1.6"])
        let error = #expect(throws: OverlayError.self) { try allocator.allocate(at: .zero) }
        #expect(error?.code == .addressesExhausted)
        #expect(error?.message == "no free address in subnet 10.0.1.0/29: 5 in use")
    }

    @Test func aReleasedAddressRestsBeforeItIsGivenAgain() throws {
        var allocator = try allocator("10.0.1.0/30", quarantine: .seconds(10))
        let only = try allocator.allocate(at: .seconds(100))
        allocator.release(only, at: .seconds(105))
        let error = #expect(throws: OverlayError.self) { try allocator.allocate(at: .seconds(114)) }
        #expect(error?.message.contains("1 released and resting for 10.0 seconds") == true)
        #expect(try allocator.allocate(at: .seconds(115)) == only)
    }

    @Test func freedAddressesAreTakenLast() throws {
        var allocator = try allocator("10.0.1.0/24")
        let first = try allocator.allocate(at: .zero)
        allocator.release(first, at: .zero)
        #expect(try allocator.allocate(at: .seconds(60)).description == "10.0.1.3")
    }

    @Test func namedAddressesAreChecked() throws {
        var allocator = try allocator("10.0.1.0/24")
        try allocator.reserve(IPv4Address(10, 0, 1, 9))
        for (address, word) in [
            (IPv4Address(10, 0, 1, 9), "in use"), (IPv4Address(10, 0, 1, 1), "gateway"),
            (IPv4Address(10, 0, 1, 0), "not a host address"), (IPv4Address(10, 0, 1, 255), "not a host address"),
            (IPv4Address(10, 0, 2, 4), "not a host address"),
        ] {
            let error = #expect(throws: OverlayError.self) { try allocator.reserve(address) }
            #expect(error?.code == .addressUnavailable && error?.message.contains(word) == true)
        }
        // After a rebuild from the store the next address is past the highest in use.
        #expect(try allocator.allocate(at: .zero).description == "10.0.1.10")
    }
}
