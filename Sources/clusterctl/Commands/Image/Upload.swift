import Glibc
import HTTP
import Platform

/// A file on its way to the daemon, read piece by piece.
struct Upload: Sendable {
    /// Bytes of one piece: large enough that the reading costs little.
    private static let pieceSize = 256 << 10
    /// Smaller files need no progress.
    private static let quietSize = 32 << 20

    private let path: String
    /// Nil for a pipe.
    private let size: Int?
    private let source: OpenFile

    /// - Parameter path: of a file, or `-` for standard input.
    /// - Throws: `Failure` where it cannot be opened.
    init(path: String) throws(Failure) {
        self.path = path
        do {
            source = OpenFile(path == "-" ? Descriptor(owning: dup(STDIN_FILENO)) : try Files.open(path, O_RDONLY))
            size = path == "-" ? nil : try Files.size(path)
        } catch {
            throw Failure("\(path): \(error.reason)")
        }
        if path != "-", Files.isDirectory(path) { throw Failure("\(path) is a folder, a file is wanted") }
    }

    /// All of it, but no more than so many bytes.
    func bytes(upTo limit: Int) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            while bytes.count < limit {
                let piece = try source.read(upTo: min(Self.pieceSize, limit - bytes.count))
                if piece.isEmpty { break }
                bytes += piece
            }
        } catch {
            throw Failure("\(path): \(error.reason)")
        }
        return bytes
    }

    /// The request's body; it tells how far it is on `progress`.
    func body(progress: Console?) -> HTTPBody {
        .stream(length: size) { writer in
            let shown = UploadProgress(progress, total: size)
            var sent = 0
            while true {
                // The thread may wait for the disk: the command line has nothing else to do meanwhile.
                let piece = try source.read(upTo: Self.pieceSize)
                if piece.isEmpty { break }
                if let size, piece.count > size - sent { throw Failure("\(path) grew while it was read") }
                try await writer.write(piece)
                sent += piece.count
                if size ?? sent > Self.quietSize { shown.advance(to: sent) }
            }
            shown.finish()
        }
    }
}

/// A descriptor that several copies of a value share.
private final class OpenFile: Sendable {
    private let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    func read(upTo limit: Int) throws(SystemError) -> [UInt8] { try Files.read(descriptor.rawValue, upTo: limit) }
}

/// How far an upload is: a bar that is drawn over on a terminal, elsewhere a line at each tenth.
struct UploadProgress {
    private static let barWidth = 30

    private let progress: Progress?
    private let isInteractive: Bool
    private let total: Int?

    init(_ console: Console?, total: Int?) {
        progress = console?.progress()
        isInteractive = console?.isInteractive ?? false
        self.total = total
    }

    func advance(to sent: Int) { progress?.show([text(sent)]) }

    func finish() { progress?.clear() }

    /// A pipe's end is not known: there the tenths are of a gigabyte.
    func text(_ sent: Int) -> String {
        guard let total, total > 0 else {
            let step = isInteractive ? 1 << 20 : 100_000_000
            return "sent \(ByteSize.decimal(Int64(sent / step * step)))"
        }
        let part = min(1, Double(sent) / Double(total))
        guard isInteractive else { return "sent \(Int(part * 10) * 10) % of \(ByteSize.decimal(Int64(total)))" }
        let full = Int(part * Double(Self.barWidth))
        let bar = String(repeating: "=", count: full) + String(repeating: " ", count: Self.barWidth - full)
        return "[\(bar)] \(ByteSize.decimal(Int64(sent))) of \(ByteSize.decimal(Int64(total)))"
    }
}
