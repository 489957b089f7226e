import Foundation
import Model
import Platform
import Raft
import TestSupport
import Testing

@testable import Daemon

@Suite struct IdentityFileTests {
    @Test func aFoundersCertificateSaysWhatItIs() throws {
        let identity = try NodeIdentity.founder()
        let node = try identity.openCredentials().value.node
        #expect(node == PeerIdentity(nodeID: identity.nodeID, role: .manager, clusterID: "c1"))
        #expect(identity.role == .manager && identity.clusterID == "c1")
    }

    /// A clusterd that knows of no incarnations must not take part as the member that the node was before.
    @Test func aPromotedNodesFileIsOfTheNextFormat() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let authority = CertificateAuthority.make(clusterID: "c1")
        var identity = NodeIdentity(
            try TestCertificates.credentials(of: authority, "n1"), advertiseAddress: "192.0.2.1:2377",
            dataPathAddress: "192.0.2.1", dataPathPort: 4789, managers: [])
        #expect(identity.role == .worker && identity.incarnation == nil)
        #expect(identity.place == NodeID(of: "n1"))
        let key = PrivateKey.generate()
        let peer = PeerIdentity(nodeID: "n1", role: .manager, clusterID: "c1", incarnation: 4)
        identity.take(
            try NodeCredentials(
                key: key, certificate: authority.issue(CertificateRequest(signedBy: key), to: peer),
                roots: [authority.root]))
        #expect(identity.role == .manager && identity.incarnation == 4)
        #expect(identity.place == NodeID(of: peer) && identity.place != NodeID(of: "n1"))
        try file.save(identity)
        #expect(try file.load() == identity)
        #expect(try identity.openCredentials().value.node == peer)
        let keys = identity.dataKeys
        identity.take(
            try NodeCredentials(
                key: key,
                certificate: authority.issue(
                    CertificateRequest(signedBy: key),
                    to: PeerIdentity(nodeID: "n1", role: .worker, clusterID: "c1", incarnation: 4)),
                roots: [authority.root]))
        #expect(identity.role == .worker && identity.dataKeys != keys)
        identity.role = .manager
        identity.incarnation = 3
        #expect(throws: ConfigurationError.self) { try identity.openCredentials() }
    }

    @Test func credentialsOfAnotherNodeAreRefused() throws {
        var identity = try NodeIdentity.founder()
        identity.credentials = try NodeIdentity.founder().credentials
        #expect(throws: ConfigurationError.self) { try identity.openCredentials() }
        identity.credentials = "-----BEGIN"
        #expect(throws: ConfigurationError.self) { try identity.openCredentials() }
    }

    @Test func anIdentityWithoutCertificateSaysWhatToDo() throws {
        let folder = try TemporaryDirectory()
        try Files.write(folder.file("identity.json"), Array(#"{"format":1,"nodeID":"n1","nodeKey":"00"}"#.utf8))
        let error = #expect(throws: ConfigurationError.self) {
            try IdentityFile(dataDirectory: folder.path).load()
        }
        #expect(error?.description.contains("no certificates yet") == true)
    }

    @Test func survivesTheDaemonAndIsForRootOnly() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        #expect(try file.load() == nil)
        let identity = try NodeIdentity.founder()
        try file.save(identity)
        #expect(try IdentityFile(dataDirectory: folder.path).load() == identity)
        #expect(try mode(of: folder.file("identity.json")) == 0o600)
        try file.remove()
        try file.remove()
        #expect(try file.load() == nil)
    }

    /// One of the version before gets its data keys when it is read, and keeps them.
    @Test(arguments: [2, 3]) func anIdentityWithoutDataKeysGetsSome(format: Int) throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let identity = try NodeIdentity.founder()
        try file.save(identity)
        let bytes = try Files.read(folder.file("identity.json"))
        var former = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(former.removeValue(forKey: "dataKeys") != nil)
        former["format"] = format
        if format == 3 { former["incarnation"] = 7 }
        try Files.write(
            folder.file("identity.json"), Array(JSONSerialization.data(withJSONObject: former)))
        let read = try #require(try file.load())
        #expect(read.credentials == identity.credentials && read.managers == identity.managers)
        #expect(read.incarnation == (format == 3 ? 7 : nil))
        #expect(read.dataKeys.map(\.number) == [1] && read.dataKeys != identity.dataKeys)
        #expect(try file.load() == read)
    }

    @Test(arguments: ["", "{", "null", "[]", #"{"format":2}"#, #"{"format":5}"#, "\u{0}\u{1}", #"{"format":"one"}"#])
    func damageIsToldAndNeverTakenForNoIdentity(text: String) throws {
        let folder = try TemporaryDirectory()
        try Files.write(folder.file("identity.json"), Array(text.utf8))
        let error = #expect(throws: ConfigurationError.self) {
            try IdentityFile(dataDirectory: folder.path).load()
        }
        #expect(error?.description.contains("is damaged") == true)
    }

    @Test func newerFormatIsRefused() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        var identity = try NodeIdentity.founder()
        identity.format = LockedIdentity.format + 1
        try file.save(identity)
        let error = #expect(throws: ConfigurationError.self) { try file.load() }
        #expect(error?.description.contains("newer clusterd") == true)
    }

    @Test func engineIDIsMadeOnce() throws {
        let folder = try TemporaryDirectory()
        let first = try EngineID.of(folder.path)
        #expect(first.utf8.count == 25)
        #expect(try EngineID.of(folder.path) == first)
    }

    @Test(arguments: ["", "\n", "../../etc", "UPPER", String(repeating: "a", count: 65)])
    func damagedEngineIDIsRefused(text: String) throws {
        let folder = try TemporaryDirectory()
        try Files.write(folder.file("engine-id"), Array(text.utf8))
        #expect(throws: (any Error).self) { try EngineID.of(folder.path) }
    }

    private func mode(of path: String) throws -> UInt32 {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return UInt32(try #require(attributes[.posixPermissions] as? NSNumber).intValue)
    }
}
