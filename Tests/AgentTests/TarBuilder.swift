import Foundation
import Platform

/// Writes tar archives byte by byte (POSIX ustar), so that tests can say what no tool would.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    mutating func add(
        _ name: String, type: Character = "0", content: [UInt8] = [], link: String = "", mode: Int = 0o644,
        owner: Int = 0, major: Int = 0, minor: Int = 0
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int, _ length: Int) {
            for (index, byte) in text.utf8.prefix(length).enumerated() { header[offset + index] = byte }
        }
        func octal(_ number: Int, at offset: Int, _ length: Int) {
            let digits = String(number, radix: 8)
            put(String(repeating: "0", count: max(0, length - 1 - digits.count)) + digits, at: offset, length)
        }
        put(name, at: 0, 100)
        octal(mode, at: 100, 8)
        octal(owner, at: 108, 8)
        octal(owner, at: 116, 8)
        octal(content.count, at: 124, 12)
        octal(1_700_000_000, at: 136, 12)
        put(String(type), at: 156, 1)
        put(link, at: 157, 100)
        put("ustar\u{0}00", at: 257, 8)
        octal(major, at: 329, 8)
        octal(minor, at: 337, 8)
        for index in 148..<156 { header[index] = 0x20 }
        octal(header.reduce(0) { $0 + Int($1) }, at: 148, 7)
        bytes += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    mutating func add(_ name: String, text: String) { add(name, content: Array(text.utf8)) }

    /// A header before a member: extended attributes and long names (pax).
    mutating func addPax(_ records: [(String, String)]) {
        var content: [UInt8] = []
        for (key, value) in records {
            let body = " \(key)=\(value)\n"
            var length = body.utf8.count + 1
            while String(length).utf8.count + body.utf8.count != length { length += 1 }
            content += Array("\(length)\(body)".utf8)
        }
        add("PaxHeader", type: "x", content: content)
    }

    /// The archive with its two zero blocks.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    static func digest(_ bytes: [UInt8]) -> String { Digest.hex(Digest.sha256(bytes)) }

    /// What `docker save` writes of these layers; `oci` chooses the newer layout.
    static func image(
        layers: [[UInt8]], diffIDs: [String]? = nil, tags: [String] = ["made:1"], oci: Bool = false,
        os: String = "linux"
    ) -> [UInt8] {
        let ids = diffIDs ?? layers.map(digest)
        let list = ids.map { "\"sha256:\($0)\"" }.joined(separator: ",")
        let configuration = Array(
            "{\"architecture\":\"amd64\",\"os\":\"\(os)\",\"config\":{\"Cmd\":[\"sh\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\(list)]}}"
                .utf8)
        let name = oci ? "blobs/sha256/\(digest(configuration))" : "\(digest(configuration)).json"
        var tar = TarBuilder()
        tar.add(name, content: configuration)
        var names: [String] = []
        for (index, layer) in layers.enumerated() {
            names.append(oci ? "blobs/sha256/\(digest(layer))" : "l\(index)/layer.tar")
            tar.add(names[index], content: layer)
        }
        let quoted = names.map { "\"\($0)\"" }.joined(separator: ",")
        let tagged = tags.map { "\"\($0)\"" }.joined(separator: ",")
        tar.add("manifest.json", text: "[{\"Config\":\"\(name)\",\"RepoTags\":[\(tagged)],\"Layers\":[\(quoted)]}]")
        return tar.finished
    }
}
