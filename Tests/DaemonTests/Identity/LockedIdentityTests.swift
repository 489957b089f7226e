import Foundation
import Model
import Platform
import TestSupport
import Testing

@testable import Daemon

/// `identity.json` while managers lock themselves.
@Suite struct LockedIdentityTests {
    private func loadLocked(_ folder: borrowing TemporaryDirectory) throws -> (IdentityFile, LockedIdentity) {
        let file = IdentityFile(dataDirectory: folder.path)
        do {
            _ = try file.load()
        } catch let error as IdentityFile.Locked { return (file, error.identity) }
        throw ConfigurationError("it is not locked")
    }

    private func text(_ folder: borrowing TemporaryDirectory) throws -> String {
        try Files.readText(folder.file("identity.json"))
    }

    @Test func keysAreSealedAndOpenedByTheKeyAlone() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let identity = try NodeIdentity.founder()
        try file.save(identity)
        #expect(try text(folder).contains("PRIVATE KEY"))
        let key = UnlockKey.random()
        let added = try #require(try file.lock(with: key, version: 5))
        #expect(added.number == 2, "the first was on the disk in the clear")
        let sealed = try text(folder)
        #expect(!sealed.contains("PRIVATE KEY") && sealed.contains("BEGIN CERTIFICATE"))
        for dataKey in identity.dataKeys + [added] { #expect(!sealed.contains(Digest.hex(dataKey.bytes))) }
        #expect(!sealed.contains(key.text) && sealed.contains(identity.nodeID))

        let (again, locked) = try loadLocked(folder)
        #expect(try again.unlock(locked, with: .random()) == nil)
        let opened = try #require(try again.unlock(locked, with: key))
        #expect(opened.credentials == identity.credentials)
        #expect(opened.dataKeys == identity.dataKeys + [added])
        #expect(try opened.openCredentials().value.node.nodeID == identity.nodeID)
        // What is saved from then on is sealed too, and data keys are not lost by who does not know of them.
        var renewed = identity
        renewed.managers = []
        try again.save(renewed)
        #expect(try !text(folder).contains("PRIVATE KEY"))
        #expect(try again.dataKeys(of: renewed).all == opened.dataKeys)
        #expect(try loadLocked(folder).1.open(with: key)?.dataKeys == opened.dataKeys)
    }

    @Test func theKeyIsChangedAndTheLockTakenOff() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let identity = try NodeIdentity.founder()
        try file.save(identity)
        let (first, second) = (UnlockKey.random(), UnlockKey.random())
        _ = try file.lock(with: first, version: 5)
        #expect(try file.lock(with: second, version: 6) == nil, "no other data key: the former was sealed")
        #expect(try loadLocked(folder).1.open(with: first) == nil)
        #expect(try loadLocked(folder).1.open(with: second) != nil)
        // A state that is behind says what was.
        _ = try file.lock(with: first, version: 5)
        _ = try file.lock(with: nil, version: 4)
        #expect(try loadLocked(folder).1.open(with: second) != nil)
        // Also after a restart.
        let (again, locked) = try loadLocked(folder)
        _ = try again.unlock(locked, with: second)
        _ = try again.lock(with: nil, version: 6)
        #expect(try loadLocked(folder).1.open(with: second) != nil)
        _ = try again.lock(with: nil, version: 7)
        #expect(try IdentityFile(dataDirectory: folder.path).load()?.credentials == identity.credentials)
    }

    @Test func aWorkersKeysAreOpen() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let identity = try NodeIdentity.founder()
        try file.save(identity)
        _ = try file.lock(with: .random(), version: 5)
        // One that was demoted is saved as a worker first, with other data keys.
        var worker = try NodeIdentity.founder()
        worker.nodeID = identity.nodeID
        worker.role = .worker
        try file.save(worker)
        try file.open()
        #expect(try IdentityFile(dataDirectory: folder.path).load() == worker)
        #expect(try file.dataKeys(of: worker).all == worker.dataKeys && worker.dataKeys != identity.dataKeys)
    }

    /// On a new cluster the state says so before there is an identity to write.
    @Test func lockedBeforeItIsFirstSaved() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let key = UnlockKey.random()
        #expect(try file.lock(with: key, version: 1) == nil)
        #expect(!Files.exists(folder.file("identity.json")))
        try file.save(try NodeIdentity.founder())
        #expect(try loadLocked(folder).1.open(with: key) != nil)
    }

    @Test func noBitOfTheSealedKeysMayChange() throws {
        let key = UnlockKey.random()
        let locked = try LockedIdentity(try NodeIdentity.founder(), with: key, version: 1)
        let json = try JSONEncoder().encode(locked)
        let members = try #require(JSONSerialization.jsonObject(with: json) as? [String: Any])
        for name in ["salt", "sealed"] {
            let text = Array(try #require(members[name] as? String).utf8)
            for position in stride(from: 0, to: text.count, by: 7) {
                var changed = text
                changed[position] = changed[position] == 48 ? 49 : 48
                var other = members
                other[name] = String(decoding: changed, as: UTF8.self)
                let data = try JSONSerialization.data(withJSONObject: other)
                let damaged = try JSONDecoder().decode(LockedIdentity.self, from: data)
                #expect(try damaged.open(with: key) == nil)
            }
        }
        for damage in ["", "zz", "00", String(repeating: "0", count: 64)] {
            for name in ["salt", "sealed"] {
                var other = members
                other[name] = damage
                let data = try JSONSerialization.data(withJSONObject: other)
                #expect((try? JSONDecoder().decode(LockedIdentity.self, from: data).open(with: key)) == nil)
            }
        }
    }

    @Test func dataKeysComeAndGoUnderTheLock() throws {
        let folder = try TemporaryDirectory()
        let file = IdentityFile(dataDirectory: folder.path)
        let identity = try NodeIdentity.founder()
        try file.save(identity)
        let second = try file.addDataKey()
        #expect(try IdentityFile(dataDirectory: folder.path).load()?.dataKeys == identity.dataKeys + [second])
        let key = UnlockKey.random()
        _ = try file.lock(with: key, version: 1)
        let fourth = try file.addDataKey()
        #expect(try !text(folder).contains(Digest.hex(fourth.bytes)))
        #expect(try loadLocked(folder).1.open(with: key)?.dataKeys.map(\.number) == [1, 2, 3, 4])
        try file.forgetDataKeys(before: 9)
        #expect(try loadLocked(folder).1.open(with: key)?.dataKeys.count == 4, "there is no such key")
        try file.forgetDataKeys(before: 4)
        #expect(try loadLocked(folder).1.open(with: key)?.dataKeys == [fourth])
        #expect(throws: ConfigurationError.self) { try IdentityFile(dataDirectory: folder.path).addDataKey() }
    }
}
