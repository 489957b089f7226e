import Foundation
import Testing

@testable import Model

@Suite struct DecodingTests {
    private func decode<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    @Test func modesInLowerCase() throws {
        #expect(try decode(ServiceMode.self, #"{"replicated":{"Replicas":2}}"#) == .replicated(2))
        #expect(try decode(ServiceMode.self, #"{"global":{}}"#) == .global)
        #expect(try decode(ServiceMode.self, #"{"Replicated":{"Replicas":3}}"#) == .replicated(3))
    }

    @Test func emptyWordsAreAbsent() throws {
        let request = try decode(SwarmInitRequest.self, #"{"ListenAddr":"0.0.0.0:2377","Availability":""}"#)
        #expect(request.availability == nil)
        let port = try decode(PortConfig.self, #"{"TargetPort":80,"Protocol":"","PublishMode":null}"#)
        #expect(port.transport == nil && port.publishMode == nil)
        #expect(try decode(PortConfig.self, #"{"TargetPort":80,"Protocol":"udp"}"#).transport == .udp)
    }

    @Test func unknownWordsAreErrors() {
        #expect(throws: DecodingError.self) { try decode(PortConfig.self, #"{"TargetPort":80,"Protocol":"quic"}"#) }
    }

    @Test func serviceAsTheDockerCommandSendsIt() throws {
        let spec = try decode(
            ServiceSpec.self,
            """
            {"Name":"web","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"web:1","Args":["sleep","1"],"Init":false,
            "DNSConfig":{},"Isolation":"default"},"Resources":{"Limits":{},"Reservations":{}},"Placement":{},
            "ForceUpdate":0},"Mode":{"Replicated":{"Replicas":2}},"EndpointSpec":{"Ports":[{"Protocol":"tcp",
            "TargetPort":80,"PublishedPort":8080,"PublishMode":"ingress"}]}}
            """)
        #expect(spec.mode?.replicated?.replicas == 2)
        #expect(spec.endpointSpec?.ports?.first?.publishedPort == 8080)
        #expect(try JSONDecoder().decode(ServiceSpec.self, from: JSONEncoder().encode(spec)) == spec)
    }

    @Test(arguments: ["", "SWMTKN-1-a", "SWMTKN-2-a-b", "SWMTKN-1-A-b", "SWMTKN-1--b", "SWMTKN-1-a-b-c", "x-1-a-b"])
    func wrongTokensAreRefused(text: String) { #expect(JoinToken(text) == nil) }

    @Test func tokensReadWhatTheyWrite() {
        let token = JoinToken(clusterDigest: "abc", secret: "def0")
        #expect(JoinToken(token.description) == token)
    }

    @Test func aSecretSaysNothingOfItsData() throws {
        let secret = try decode(
            Secret.self,
            #"{"ID":"a","Version":{"Index":1},"CreatedAt":"2026-01-01T00:00:00Z","UpdatedAt":"2026-01-01T00:00:00Z","#
                + #""Spec":{"Name":"db","Data":"aHVudGVyMg=="}}"#)
        #expect(secret.spec.data?.bytes == Array("hunter2".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        dump(AssignedFile(id: "a", content: Base64Bytes(Array("hunter2".utf8))), to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), dumped] {
            #expect(!text.contains("104") && !text.contains("hunter2") && !text.contains("aHVu"), "\(text)")
        }
        #expect(secret.shown.spec.data == nil)
    }

    @Test func whereAFileIs() throws {
        let secret = try decode(
            FileReference.self, #"{"SecretID":"a","SecretName":"b","File":{"Name":"pw","Mode":292}}"#)
        #expect(secret.path == "/run/secrets/pw" && secret.file?.mode == 0o444 && secret.id == "a")
        let config = try decode(FileReference.self, #"{"ConfigID":"a","ConfigName":"b","File":{"Name":"x.conf"}}"#)
        #expect(config.path == "/x.conf" && config.name == "b")
        #expect(FileReference(secretID: "a", secretName: "b", file: .init(name: "/etc/pw")).path == "/etc/pw")
        #expect(FileReference(secretID: "a", secretName: "b", file: nil).path == nil)
    }
}
