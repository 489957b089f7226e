import Glibc
import HTTP
import Model
import Platform

/// Copies the cluster's state into a file.
enum ManagerBackup: Command {
    static let syntax = Syntax(
        path: ["manager", "backup"], summary: "Copy the cluster's whole state, as this manager has it, into a file",
        positionals: [.init("FILE", "where to; what is there is replaced once the copy is whole")],
        options: [.flag("quiet", short: "q", "print nothing but doubts")],
        notes: [
            "The file holds the cluster's keys: whoever has it can join nodes to the cluster. It is made readable for its "
                + "owner alone. 'clusterctl manager restore FILE' brings it back."
        ])

    static func run(_ arguments: Arguments, in session: Session) async throws {
        let path = arguments.positionals[0]
        let start = MonotonicClock.nanoseconds()
        let response = try await session.engine.open(.get, ["swarm", "backup"])
        let size: Int
        do {
            size = try await BackupFile(path).write(response.body)
        } catch let error as SystemError {
            throw Failure("\(path): \(error.reason)")
        }
        if let doubt = response.headers[BackupHeaders.doubt] { session.console.warn(Terminal.harmless(doubt)) }
        guard !arguments.flag("quiet") else { return }
        let seconds = Duration.nanoseconds(MonotonicClock.nanoseconds() - start)
        let cluster = Terminal.harmless(response.headers[BackupHeaders.cluster] ?? "?")
        let revision = Terminal.harmless(response.headers[BackupHeaders.revision] ?? "?")
        session.console.line(
            "\(path): revision \(revision) of cluster \(cluster), \(ByteSize.decimal(Int64(size))) in "
                + "\(DurationText.seconds(seconds)). It holds the cluster's keys: keep it as safe as they are.")
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
        var check = BackupCheck()
        // The thread may wait for the disk: the command line has nothing else to do meanwhile.
        do {
            for try await piece in body {
                check.take(piece)
                try Files.write(file.rawValue, piece, temporary)
            }
        } catch let error as SystemError where error.subject == temporary {
            throw error
        } catch {
            throw Failure(
                "the daemon broke off after \(ByteSize.decimal(Int64(check.size))): \(error)",
                hint: "Nothing was kept. Try again; the daemon's log says more.")
        }
        let size = check.size
        guard check.isWhole() else {
            throw Failure(
                "what came is no whole backup: its digest does not match", hint: "Nothing was kept. Try again.")
        }
        try checked(fsync(file.rawValue), "fsync", temporary)
        try Files.rename(temporary, to: path)
        isInPlace = true
        try Files.syncDirectory(Files.parent(of: path))
        return size
    }
}
