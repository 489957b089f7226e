import Glibc
import Platform

extension ContainerEngine {
    /// After SIGKILL a process that does not go hangs in the kernel.
    private static let killTimeout: Duration = .seconds(15)

    /// Sends a signal to a container's first process.
    public func kill(_ id: String, signal: Int32) async throws {
        guard let entry = entries[id] else { throw Self.missing(id) }
        guard entry.record.state == .running else {
            throw AgentError(.conflict, "Container \(id) is not running")
        }
        if runtime.sharesKernel, let process = entry.record.process {
            process.signal(signal)
        } else {
            try await runtime.kill(id, signal)
        }
    }

    /// Asks a container to stop, by its own signal, and kills it when it has not within `grace`.
    @discardableResult
    public func stop(_ id: String, grace: Duration) async throws -> ContainerExit? {
        guard let entry = entries[id] else { throw Self.missing(id) }
        guard entry.record.state == .running else { return entry.record.exit }
        try? await kill(id, signal: entry.record.stopSignal)
        if let exit = try await wait(id, atMost: grace) { return exit }
        try? await kill(id, signal: SIGKILL)
        guard let exit = try await wait(id, atMost: Self.killTimeout) else {
            throw AgentError(.runtime, "container \(id) does not end, not even by SIGKILL")
        }
        return exit
    }

    /// Removes a container and all that was made for it; one that runs only by `force`, which kills it.
    public func remove(_ id: String, force: Bool = false) async throws {
        guard let entry = entries[id] else { throw Self.missing(id) }
        guard !entry.isBeingRemoved else {
            throw AgentError(.conflict, "removal of container \(id) is already in progress")
        }
        guard entry.record.state != .starting else {
            throw AgentError(.conflict, "container \(id) is being started")
        }
        if entry.record.state == .running {
            guard force else {
                throw AgentError(
                    .conflict,
                    "You cannot remove a running container \(id). Stop the container before attempting removal")
            }
        }
        entries[id]?.isBeingRemoved = true
        do {
            if entry.record.state == .running { try await stop(id, grace: .zero) }
            if let settling = entries[id]?.settling {
                await settling.value
            } else if entry.record.state != .created {
                try await runtime.delete(id, force: true)
            }
            try await clear(id)
            try store.remove(id)
        } catch {
            entries[id]?.isBeingRemoved = false
            throw error
        }
        let waiters = entries.removeValue(forKey: id)?.waiters ?? [:]
        for waiter in waiters.values {
            waiter.resume(
                returning: ContainerExit(code: 137, wasOutOfMemory: false, at: WallClock.now(), error: "removed"))
        }
    }

    /// Unmounts a container's root and removes its files and groups, whatever of them there is.
    func clear(_ id: String) async throws {
        let (paths, cgroups, group) = (paths(id), cgroups, monitorCgroupPath(id))
        try await runOnThread(named: "clear") {
            try ContainerFiles(path: paths.files).remove()
            try OverlayMount.unmount(paths.root)
            for path in [paths.bundle, paths.persistDirectory, paths.exitFile, paths.pidFile, paths.monitorPidFile] {
                try removeTree(path)
            }
            unlink(paths.attachLink)
            cgroups.removeOnceEmpty(group)
        }
    }
}
