import Foundation
import Platform

/// A file in the run directory in which the resolver keeps what one that is started anew must know.
struct StateFile<Content: Codable & Sendable>: Sendable {
    /// Files of another version are not read.
    private static var version: Int { 1 }
    /// Bytes of the largest file that is read back.
    private static var maximumLength: Int { 256 << 20 }

    private struct Envelope: Codable {
        var version: Int
        var content: Content
    }

    let path: String

    /// What is in it; nil if it is missing, unreadable or of another version.
    func load() -> Content? {
        guard let bytes = try? Files.read(path, limit: StateFile.maximumLength),
            let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(bytes)),
            envelope.version == StateFile.version
        else { return nil }
        return envelope.content
    }

    /// Replaces it by renaming, without a sync: after a crash of the machine no sandbox is left either.
    func save(_ content: Content) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let bytes = Array(try encoder.encode(Envelope(version: StateFile.version, content: content)))
        let temporary = "\(path).new"
        try Files.write(temporary, bytes, mode: 0o600)
        try Files.rename(temporary, to: path)
    }
}
