import Raft

@testable import Discovery
@testable import Store

/// What the group as a whole has done: every entry once, in order, with what its proposer is told and the state behind it.
struct StateLedger {
    private(set) var entries: [Entry] = []
    private var answers: [[UInt8]] = []
    private var digests: [LogIndex: UInt64] = [:]
    /// What clients were told is done.
    private var acknowledged: [(index: LogIndex, command: [UInt8], answer: [UInt8])] = []

    var acknowledgements: Int { acknowledged.count }

    /// Nil if all is well, else what is not.
    mutating func applied(_ piece: [Entry], _ results: [[UInt8]], _ digest: UInt64) -> String? {
        for (entry, answer) in zip(piece, results) {
            let place = Int(entry.index) - 1
            if place < entries.count {
                guard entries[place] == entry else { return "entry \(entry.index) is two: \(entries[place]), \(entry)" }
                guard answers[place] == answer else { return "entry \(entry.index) has two answers" }
            } else {
                guard place == entries.count else { return "entry \(entry.index) comes after \(entries.count)" }
                entries.append(entry)
                answers.append(answer)
            }
        }
        return piece.last.flatMap { stands(at: $0.index, digest) }
    }

    /// A state is the one that others had at that entry.
    mutating func stands(at index: LogIndex, _ digest: UInt64) -> String? {
        if let known = digests.updateValue(digest, forKey: index), known != digest {
            return "two states at entry \(index)"
        }
        return nil
    }

    mutating func acknowledge(_ index: LogIndex, _ command: [UInt8], _ answer: [UInt8]) {
        acknowledged.append((index, command, answer))
    }

    /// What was acknowledged and is not what the group has; nil if nothing.
    func lost() -> String? {
        for (index, command, answer) in acknowledged {
            let place = Int(index) - 1
            guard place < entries.count, entries[place].data == command, answers[place] == answer else {
                return "entry \(index) was acknowledged, and is not what was asked for"
            }
        }
        return nil
    }

    /// All entries applied one by one to a state that never crashed: the state behind each, and every version of a key in order.
    func replay(_ schema: Schema) throws -> (store: Store, versions: [KeyVersion], problem: String?) {
        let store = Store(schema: schema)
        var versions: [KeyVersion] = []
        var problem: String?
        for entry in entries {
            let before = store.revision
            _ = try store.apply(
                index: entry.index, term: entry.term, command: entry.kind == .command ? entry.data : [])
            let keys = store.snapshot.part(KeyValueState.self)
            keys.forEachVersion(after: before) { version in
                if let last = versions.last, (version.modify, version.order) <= (last.modify, last.order) {
                    problem = problem ?? "the history has \(version.keyText) out of order at \(version.modify)"
                }
                versions.append(version)
                return true
            }
            if let digest = digests[entry.index], digest != store.digest {
                problem = problem ?? "the state at entry \(entry.index) is not what its commands make"
            }
            let sessions = store.snapshot.part(SessionState.self)
            keys.forEach(prefix: []) { version in
                guard version.isHeld, sessions.session(version.session) == nil else { return }
                problem = problem ?? "\(version.keyText) is held by \(version.session), which is not alive"
            }
        }
        return (store, versions, problem)
    }
}
