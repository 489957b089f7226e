import CLinux
import FoundationEssentials
import Glibc
import Platform

/// Starts conmon, the monitor of one container: it runs the runtime, owns the container's output and its exit code, and
/// outlives this daemon.
///
/// Source: conmon(8); it writes `{"pid": N}` (or -1 with a message) to `_OCI_SYNCPIPE` when `create` is done, which is
/// after its own first process has exited.
struct Conmon: Sendable {
    /// Once on its way, a monitor has this long to make its container.
    static let creationTimeout: Duration = .seconds(60)

    private struct Report: Decodable {
        var pid: Int32?
        var message: String?
    }

    let path: String
    let runtime: OCIRuntime
    let directories: ContainerDirectories
    let cgroups: CgroupLayout
    private let loop: EventLoop

    init(
        _ name: String, runtime: OCIRuntime, directories: ContainerDirectories, cgroups: CgroupLayout, loop: EventLoop
    ) throws {
        path = try findProgram(name, neededFor: "watching containers")
        self.runtime = runtime
        self.directories = directories
        self.cgroups = cgroups
        self.loop = loop
    }

    /// Makes the container of the bundle at `paths`; answers the process that waits to become its first one.
    func create(
        id: String, name: String, paths: ContainerPaths, cgroup: String, terminal: Bool
    ) async throws -> (container: Int32, monitor: Int32) {
        let (child, reader) = try spawn(id: id, name: name, paths: paths, cgroup: cgroup, terminal: terminal)
        do {
            let pid = try await Self.report(from: reader)
            _ = await child.wait()
            return (pid, try monitorPid(paths))
        } catch {
            _ = await child.wait()
            // A monitor that hangs over its runtime must not wait for ever.
            if let pid = try? monitorPid(paths), let monitor = ProcessIdentity(pid: pid) { monitor.signal(SIGKILL) }
            throw error
        }
    }

    /// Answers the process, and the descriptor that its report comes from: the caller's to close.
    private func spawn(
        id: String, name: String, paths: ContainerPaths, cgroup: String, terminal: Bool
    ) throws -> (ChildProcess, Int32) {
        var arguments = [
            "-c", id, "-u", id, "-n", name, "-r", runtime.path, "--runtime-arg", "--root=\(runtime.root)",
            "-b", paths.bundle, "-p", paths.pidFile, "--conmon-pidfile", paths.monitorPidFile,
            "-l", "k8s-file:\(paths.log)", "--exit-dir", directories.exits, "--persist-dir", paths.persistDirectory,
            "--socket-dir-path", directories.sockets, "--no-sync-log",
        ]
        if terminal { arguments.append("-t") }
        var command = ChildProcess.Command(path, arguments, environment: environment)
        command.isSessionLeader = true
        // It writes a file named oom where it stands, besides the one in the persist directory.
        command.workingDirectory = paths.bundle
        command.cgroupFiles = try cgroups.makeAccountingGroups(cgroup)
        var ends: [Int32] = [-1, -1]
        try checked(cl_pipe2(&ends, O_CLOEXEC), "pipe2")
        defer { close(ends[1]) }
        command.descriptors = [3: ends[1]]
        do {
            return (try ChildProcess.spawn(command, loop: loop), ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    private var environment: [String: String] {
        var result = ["_OCI_SYNCPIPE": "3"]
        for name in ["PATH", "XDG_RUNTIME_DIR"] {
            if let value = getenv(name) { result[name] = String(cString: value) }
        }
        return result
    }

    private func monitorPid(_ paths: ContainerPaths) throws -> Int32 {
        let text = try Files.readText(paths.monitorPidFile, limit: 64).trimmed
        guard let pid = Int32(text) else { throw AgentError(.runtime, "conmon wrote no process id") }
        return pid
    }

    /// Waits for conmon's line. Takes the descriptor over.
    private static func report(from descriptor: Int32) async throws -> Int32 {
        let bytes = try await runOnThread(named: "conmon-sync") {
            let pipe = Descriptor(owning: descriptor)
            var poll = pollfd(fd: pipe.rawValue, events: Int16(POLLIN), revents: 0)
            var line: [UInt8] = []
            let deadline = MonotonicClock.nanoseconds() + creationTimeout.nanoseconds
            while !line.contains(UInt8(ascii: "\n")), line.count < 64 * 1024 {
                let left = (deadline - MonotonicClock.nanoseconds()) / 1_000_000
                guard left > 0 else { throw AgentError(.runtime, "the runtime did not make the container in time") }
                if Glibc.poll(&poll, 1, Int32(min(left, 60_000))) <= 0 { continue }
                let part = try Files.read(pipe.rawValue, upTo: 4096, "conmon's report")
                if part.isEmpty { break }
                line += part
            }
            return line
        }
        guard !bytes.isEmpty, let report = try? JSONDecoder().decode(Report.self, from: Data(bytes)) else {
            throw AgentError(.runtime, "conmon ended without a word")
        }
        guard let pid = report.pid, pid > 0 else {
            throw AgentError(
                .runtime, "the container could not be made: \(readable(report.message ?? "unknown reason"))")
        }
        return pid
    }

    /// The runtime's message out of its log line: `time=... level=error msg="..."`.
    static func readable(_ message: String) -> String {
        let parts = message.split(separator: "msg=\"", maxSplits: 1)
        guard parts.count == 2 else { return String(message.trimmed.prefix(1_000)) }
        var result = ""
        var isEscaped = false
        for character in parts[1] {
            if isEscaped {
                result.append(character == "n" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            } else {
                result.append(character)
            }
        }
        return String(result.prefix(1_000))
    }
}
