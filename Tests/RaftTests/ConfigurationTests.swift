import Testing

@testable import Raft

@Suite struct ConfigurationTests {
    @Test func encodesAndDecodes() throws {
        let configuration = Configuration(voters: [
            Member(id: NodeID(7), address: "10.0.0.7:2377"), Member(id: NodeID(1), address: "10.0.0.1:2377"),
        ])
        #expect(configuration.voters.map(\.id.value) == [1, 7])
        #expect(try Configuration(decoding: configuration.encoded()) == configuration)
    }
}
