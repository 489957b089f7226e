import FoundationEssentials
import Glibc
import Platform

/// The program that makes containers: any that speaks the OCI runtime's command line (runc, crun, runsc).
struct OCIRuntime: Sendable {
    /// What the runtime says of a container.
    struct Status: Decodable, Sendable {
        var id: String
        var pid: Int32?
        var status: String
    }

    let path: String
    /// The first line of `--version`.
    let version: String
    /// Where it keeps the state of the containers that it made for us.
    let root: String
    private let loop: EventLoop

    /// Finds the program (a name on PATH, or a path) and asks for its version.
    static func probe(_ name: String, root: String, loop: EventLoop) async throws -> OCIRuntime {
        let path = try findProgram(name, neededFor: "running containers")
        let output = try await ChildProcess.run(.init(path, ["--version"]), timeout: .seconds(10), loop: loop)
        guard output.status == .exited(0) else {
            throw AgentError(.runtime, "\(path) --version failed: \(output.errorText)")
        }
        let version = String(decoding: output.stdout, as: UTF8.self).split(separator: "\n").first.map(String.init)
        return OCIRuntime(path: path, version: version ?? "unknown", root: root, loop: loop)
    }

    /// Whether a container's first process is an ordinary process of this kernel, which takes signals directly.
    var sharesKernel: Bool { !path.hasSuffix("runsc") }

    func start(_ id: String) async throws { try await run(["start", id]) }

    func kill(_ id: String, _ signal: Int32) async throws { try await run(["kill", id, String(signal)]) }

    func delete(_ id: String, force: Bool = false) async throws {
        try await run(force ? ["delete", "--force", id] : ["delete", id])
    }

    /// What it knows of one container; nil if nothing.
    func status(_ id: String) async throws -> Status? {
        let output = try await ChildProcess.run(command(["state", id]), timeout: .seconds(30), loop: loop)
        guard output.status == .exited(0) else { return nil }
        return try JSONDecoder().decode(Status.self, from: Data(output.stdout))
    }

    /// All containers under its root.
    func list() async throws -> [Status] {
        let output = try await run(["list", "--format", "json"])
        // runc says `null` for none.
        return try JSONDecoder().decode([Status]?.self, from: Data(output)) ?? []
    }

    private func command(_ arguments: [String]) -> ChildProcess.Command {
        ChildProcess.Command(path, ["--root", root] + arguments)
    }

    @discardableResult
    private func run(_ arguments: [String]) async throws -> [UInt8] {
        let output = try await ChildProcess.run(command(arguments), timeout: .seconds(60), loop: loop)
        guard output.status == .exited(0) else {
            let name = path.split(separator: "/").last ?? "runtime"
            throw AgentError(.runtime, "\(name) \(arguments.joined(separator: " ")) failed: \(output.errorText)")
        }
        return output.stdout
    }
}

extension ChildProcess.Output {
    /// What it wrote to stderr, or else how it ended; short enough for a message.
    fileprivate var errorText: String {
        let text = String(decoding: stderr.suffix(1_000), as: UTF8.self).trimmed
        return text.isEmpty ? "\(status)" : text
    }
}

/// The path of a program: itself if it has a slash, else the first on PATH (and in the system folders).
func findProgram(_ name: String, neededFor purpose: String) throws(AgentError) -> String {
    if name.contains("/") {
        guard access(name, X_OK) == 0 else {
            throw AgentError(.unsupported, "\(name), needed for \(purpose), cannot be run")
        }
        return name
    }
    let search = (getenv("PATH").map { String(cString: $0) } ?? "") + ":/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    for folder in search.split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 {
        return "\(folder)/\(name)"
    }
    throw AgentError(.unsupported, "\(name) is needed for \(purpose) and not installed: apt-get install \(name)")
}
