import Platform
import Testing

@Suite struct AddressTests {
    @Test(arguments: ["0.0.0.0", "255.255.255.255", "10.0.0.1"]) func ipv4ThereAndBack(_ text: String) {
        #expect(IPv4Address(text)?.description == text)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1..2.3", "1.2.3.4 ", "a.b.c.d", "1.2.3.-4",
    ])
    func ipv4Refuses(_ text: String) {
        #expect(IPv4Address(text) == nil)
    }

    @Test func prefixes() throws {
        let prefix = try #require(IPv4Prefix("10.1.2.3/24"))
        #expect(prefix.network.description == "10.1.2.0/24")
        #expect(prefix.mask.description == "255.255.255.0")
        #expect(prefix.last.description == "10.1.2.255")
        #expect(prefix.count == 256)
        #expect(prefix[offset: 255] == prefix.broadcast)
        #expect(prefix[offset: 256] == nil)
        #expect(prefix.contains(IPv4Address(10, 1, 2, 200)))
        #expect(!prefix.contains(IPv4Address(10, 1, 3, 0)))
        #expect(IPv4Prefix("0.0.0.0/0")?.contains(prefix) == true)
        #expect(IPv4Prefix("0.0.0.0/0")?.count == 1 << 32)
        #expect(IPv4Prefix("10.1.0.0/16")?.overlaps(prefix) == true)
        for wrong in ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/1/2", "10.0.0.0/+8"] {
            #expect(IPv4Prefix(wrong) == nil)
        }
    }

    @Test func ipv6() {
        #expect(IPv6Address("fd00::1")?.description == "fd00::1")
        #expect(IPv6Address("::1") == .loopback)
        #expect(IPv6Address("fd00::1::2") == nil)
        #expect(IPv6Address(bytes: IPv6Address.loopback.bytes) == .loopback)
    }

    @Test func macAddresses() {
        #expect(MACAddress("02:42:0a:00:00:05") == MACAddress(derivedFrom: IPv4Address(10, 0, 0, 5)))
        #expect(MACAddress("02:42:0A:00:00:05")?.description == "02:42:0a:00:00:05")
        for wrong in ["", "02:42:0a:00:00", "02:42:0a:00:00:0", "02-42-0a-00-00-05", "02:42:0a:00:00:0g"] {
            #expect(MACAddress(wrong) == nil)
        }
    }

    @Test(arguments: ["10.0.0.1:2377", "[fd00::1]:53", "unix:///run/clusterd.sock"])
    func socketAddressThereAndBack(_ text: String) throws {
        let address = try #require(SocketAddress.parse(text))
        #expect(address.description == text)
    }

    @Test func socketAddressForms() {
        #expect(SocketAddress.parse("tcp://1.2.3.4:5") == .ipv4(IPv4Address(1, 2, 3, 4), 5))
        for wrong in ["", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "::1:53", "unix://", "host:80", "1.2.3.4:+1"] {
            #expect(SocketAddress.parse(wrong) == nil)
        }
        #expect(SocketAddress.parse("unix://" + String(repeating: "x", count: 108)) == nil)
    }
}
