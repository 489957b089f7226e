import Synchronization

/// All of a topic's changes by one revision. Those who are told of it share it, and its line.
final class ChangeBatch: Sendable {
    let revision: UInt64
    /// In the order they were made.
    let versions: [KeyVersion]
    let bytes: Int
    private let rendered = Mutex<[UInt8]?>(nil)

    init(revision: UInt64, versions: [KeyVersion]) {
        self.revision = revision
        self.versions = versions
        bytes = versions.reduce(0) { $0 + $1.rowCount }
    }

    /// `{"Revision":7,"Changes":[{"Type":"set","KV":{...}},...]}` and a line feed; made once.
    var line: [UInt8] {
        rendered.withLock { rendered in
            if let rendered { return rendered }
            var json = EntryJSON()
            for version in versions { json.appendChange(version) }
            let line = Array("{\"Revision\":\(revision),\"Changes\":".utf8) + json.finished + Array("}\n".utf8)
            rendered = line
            return line
        }
    }
}
