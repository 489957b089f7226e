import Glibc
import HTTP
import Model
import Platform

/// Copies the cluster's state into a file.
enum ManagerBackup: Command {
    static let syntax = Syntax(
        path: ["manager", "backup"], summary: "Copy the cluster's whole state, as this manager has it, into a file",
        positionals: [
            .init("FILE", "where to, or - for standard output; what is there is replaced once the copy is whole")
        ],
        options: [.flag("quiet", short: "q", "print nothing but doubts")],
        notes: [
            "The file holds the cluster's keys: whoever has it can join nodes to the cluster. It is made readable for its "
                + "owner alone. 'clusterctl manager restore FILE' brings it back."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let path = arguments.positionals[0]
        let isPiped = path == "-"
        guard !isPiped || session.console.width == nil else {
            throw arguments.usage("a backup is no text for a terminal: name a file, or lead standard output into one")
        }
        let start = MonotonicClock.nanoseconds()
        let response = try await session.engine.open(.get, ["swarm", "backup"])
        let size: Int
        do {
            size =
                isPiped
                ? try await BackupFile.receive(response.body) { session.console.write($0, to: .output) }
                : try await BackupFile(path).write(response.body)
        } catch let error as SystemError {
            throw Failure("\(path): \(error.reason)")
        }
        if let doubt = response.headers[BackupHeaders.doubt] { session.console.warn(Terminal.harmless(doubt)) }
        guard !arguments.flag("quiet") else { return }
        let seconds = Duration.nanoseconds(MonotonicClock.nanoseconds() - start)
        let cluster = Terminal.harmless(response.headers[BackupHeaders.cluster] ?? "?")
        let revision = Terminal.harmless(response.headers[BackupHeaders.revision] ?? "?")
        let words =
            "\(isPiped ? "standard output" : path): revision \(revision) of cluster \(cluster), "
            + "\(ByteSize.decimal(Int64(size))) in "
            + "\(DurationText.seconds(seconds)). It holds the cluster's keys: keep it as safe as they are."
        if isPiped { session.console.warn(words) } else { session.console.line(words) }
    }
}

/// The file that a backup is written to: beside its place, checked, synced, and only then in it.
struct BackupFile {
    private let path: String
    private let temporary: String

    init(_ path: String) {
        self.path = path
        temporary = "\(path).\(Identifier.randomHex(bytes: 6)).tmp"
    }

    /// Returns its size.
    ///
    /// - Throws: `Failure` where what came is no whole backup; `path` is then as it was.
    func write(_ body: HTTPBody) async throws -> Int {
        var isInPlace = false
        let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        defer { if !isInPlace { _ = unlink(temporary) } }
        let size = try await Self.receive(body) { piece throws(SystemError) in
            try Files.write(file.rawValue, piece, temporary)
        }
        try checked(fsync(file.rawValue), "fsync", temporary)
        try Files.rename(temporary, to: path)
        isInPlace = true
        try Files.syncDirectory(Files.parent(of: path))
        return size
    }

    /// Gives all of it to `sink`, which may wait for the disk: the command line has nothing else to do meanwhile.
    ///
    /// - Throws: what `sink` throws; `Failure` where what came is no whole backup. What `sink` was given is then of no use.
    static func receive(_ body: HTTPBody, _ sink: ([UInt8]) throws(SystemError) -> Void) async throws -> Int {
        var check = BackupCheck()
        var failure: SystemError?
        do {
            for try await piece in body {
                check.take(piece)
                do { try sink(piece) } catch {
                    failure = error
                    break
                }
            }
        } catch {
            throw Failure(
                "the daemon broke off after \(ByteSize.decimal(Int64(check.size))): \(error)",
                hint: "What came is of no use. Try again; the daemon's log says more.")
        }
        if let failure { throw failure }
        let size = check.size
        guard check.isWhole() else {
            throw Failure(
                "what came is no whole backup: its digest does not match", hint: "It is of no use. Try again.")
        }
        return size
    }
}
