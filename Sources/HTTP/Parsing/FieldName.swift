/// Field names that are common on the wire, so that receiving them allocates nothing, and which of them the parser
/// itself must understand.
enum FieldName {
    /// Fields that decide about framing and the connection.
    enum Meaning: Sendable {
        case contentLength
        case transferEncoding
        case connection
        case host
        case expect
        case plain
    }

    private struct Entry: Sendable {
        let canonical: String
        let lowered: [UInt8]
        let meaning: Meaning
    }

    private static let table: [[Entry]] = {
        let framing: [(String, Meaning)] = [
            ("Content-Length", .contentLength), ("Transfer-Encoding", .transferEncoding), ("Connection", .connection),
            ("Host", .host), ("Expect", .expect),
        ]
        let plain = [
            "Accept", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Access-Control-Allow-Origin", "Age",
            "Allow", "Api-Version", "Authorization", "Builder-Version", "Cache-Control", "Content-Disposition",
            "Content-Encoding", "Content-Range", "Content-Type", "Cookie", "Date", "Docker-Experimental", "ETag",
            "Expires", "If-Modified-Since", "If-None-Match", "Keep-Alive", "Last-Modified", "Location", "Origin",
            "Ostype", "Pragma", "Range", "Referer", "Server", "Set-Cookie", "Swarm", "TE", "Trailer", "Upgrade",
            "User-Agent", "Vary", "Via", "X-Consul-Index", "X-Consul-KnownLeader", "X-Consul-LastContact",
            "X-Consul-Token", "X-Content-Type-Options", "X-Docker-Container-Path-Stat", "X-Forwarded-For",
            "X-Forwarded-Host", "X-Forwarded-Proto", "X-Martlet-Hops", "X-Registry-Auth", "X-Registry-Config",
            "X-Request-Id",
        ]
        var table = [[Entry]](repeating: [], count: 128)
        for (name, meaning) in framing + plain.map({ ($0, Meaning.plain) }) {
            let lowered = name.utf8.map(lowercase)
            let slot = slot(count: lowered.count, first: lowered[0], last: lowered[lowered.count - 1])
            table[slot].append(Entry(canonical: name, lowered: lowered, meaning: meaning))
        }
        return table
    }()

    private static func slot(count: Int, first: UInt8, last: UInt8) -> Int {
        (count &* 7 &+ Int(lowercase(first)) &* 5 &+ Int(lowercase(last)) &* 3) & 127
    }

    /// The name's text and meaning. `name` must not be empty.
    static func intern(_ line: borrowing Span<UInt8>, _ name: Range<Int>) -> (String, Meaning) {
        let slot = slot(count: name.count, first: line[name.lowerBound], last: line[name.upperBound - 1])
        next: for entry in table[slot] where entry.lowered.count == name.count {
            for offset in 0..<name.count
            where lowercase(line[name.lowerBound &+ offset]) != entry.lowered[offset] {
                continue next
            }
            return (entry.canonical, entry.meaning)
        }
        return (line.text(name), .plain)
    }
}
