import Glibc
import HTTP
import Platform

/// A body that has come in whole, in a file of its own that goes with the owner.
final class Upload: Sendable {
    let path: String

    private init(path: String) { self.path = path }

    deinit { unlink(path) }

    /// Writes a body to a file, piece by piece, as fast as the disk takes it.
    static func receive(_ body: HTTPBody, in directory: String, limit: Int64) async throws -> Upload {
        let upload = Upload(path: "\(directory)/\(Identifier.random())")
        let path = upload.path
        try await runOnThread(named: "upload") { try Files.write(path, [], mode: 0o600) }
        var pending: [UInt8] = []
        var count: Int64 = 0
        for try await piece in body {
            count += Int64(piece.count)
            guard count <= limit else { throw AgentError(.tooLarge, "the upload is larger than \(limit) bytes") }
            pending += piece
            if pending.count >= 1 << 20 {
                let bytes = pending
                pending = []
                try await runOnThread(named: "upload") { try Files.append(path, bytes) }
            }
        }
        let bytes = pending
        try await runOnThread(named: "upload") { try Files.append(path, bytes) }
        return upload
    }
}
