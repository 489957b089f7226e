import Glibc
import Platform

/// How the end of a container is seen: conmon's exit file says the code; a pidfd notices where conmon cannot.
extension ContainerEngine {
    /// Waits for a container's end; at once if it has ended.
    public func wait(_ id: String) async throws -> ContainerExit {
        guard let exit = try await wait(id, atMost: nil) else { throw Self.missing(id) }
        return exit
    }

    /// Waits for a container's end, but no longer than so; nil if it still runs then.
    func wait(_ id: String, atMost time: Duration?) async throws -> ContainerExit? {
        guard entries[id] != nil else { throw Self.missing(id) }
        nextWaiter += 1
        let waiter = nextWaiter
        return await withCheckedContinuation { continuation in
            // Looked at here, where nothing comes in between (see EventLoop).
            guard let entry = entries[id], entry.record.exit == nil else {
                return continuation.resume(returning: entries[id]?.record.exit)
            }
            entries[id]?.waiters[waiter] = continuation
            guard let time else { return }
            _ = loop.schedule(after: time) { [weak self] in
                self?.assumeIsolated { $0.entries[id]?.waiters.removeValue(forKey: waiter)?.resume(returning: nil) }
            }
        }
    }

    func exitFileAppeared(_ id: String) {
        guard let entry = entries[id], entry.record.state == .running || entry.record.state == .starting else { return }
        guard let code = readExitFile(id) else { return }
        finish(id, code: code, error: nil)
    }

    /// The code that conmon wrote; nil where there is no such file.
    func readExitFile(_ id: String) -> Int32? {
        guard let text = try? Files.readText(paths(id).exitFile, limit: 64) else { return nil }
        return Int32(text.trimmed)
    }

    /// Watches a running container's first process, for the case that conmon is not there to tell.
    func watchProcess(_ id: String) {
        guard let process = entries[id]?.record.process else { return processEnded(id) }
        do {
            let watch = try ProcessWatch(process, loop: loop) { [weak self] in
                self?.assumeIsolated { $0.processEnded(id) }
            }
            if let watch { entries[id]?.watch = watch } else { processEnded(id) }
        } catch {
            log.error("a container cannot be watched", ["container": id, "error": String(describing: error)])
        }
    }

    private func processEnded(_ id: String) {
        entries[id]?.watch?.cancel()
        entries[id]?.watch = nil
        guard entries[id]?.record.state == .running else { return }
        if let code = readExitFile(id) { return finish(id, code: code, error: nil) }
        _ = loop.schedule(after: Self.exitFileGrace) { [weak self] in
            self?.assumeIsolated { $0.giveUpOnMonitor(id) }
        }
    }

    private func giveUpOnMonitor(_ id: String) {
        guard entries[id]?.record.state == .running else { return }
        if let code = readExitFile(id) { return finish(id, code: code, error: nil) }
        finish(id, code: 137, error: "its monitor was lost: the exit code is not known")
    }

    /// Writes a container's end down and tells who waits.
    func finish(_ id: String, code: Int32, error: String?) {
        guard var entry = entries[id], entry.record.exit == nil else { return }
        let oom = access(paths(id).persistDirectory + "/oom", F_OK) == 0 || cgroups.outOfMemoryKills(cgroupPath(id)) > 0
        let exit = ContainerExit(code: code, wasOutOfMemory: oom, at: WallClock.now(), error: error)
        entry.record.state = .exited
        entry.record.exit = exit
        entry.watch?.cancel()
        entry.watch = nil
        let waiters = entry.waiters
        entry.waiters = [:]
        entries[id] = entry
        do {
            try store.save(entry.record)
        } catch {
            log.error("a container's end is not written down", ["container": id, "error": String(describing: error)])
        }
        log.info("container ended", ["container": id, "name": entry.record.name, "code": code])
        for waiter in waiters.values { waiter.resume(returning: exit) }
        settle(id)
    }

    /// Has the runtime forget a container that has ended, and unmounts its root: its output and its end stay.
    func settle(_ id: String) {
        guard entries[id]?.settling == nil else { return }
        // Awaited by whoever removes the container.
        entries[id]?.settling = Task {
            await settlements.enter()
            defer { settlements.leave() }
            do {
                try await runtime.delete(id, force: true)
                let (root, cgroups, group) = (paths(id).root, cgroups, monitorCgroupPath(id))
                let files = ContainerFiles(path: paths(id).files)
                try await runOnThread(named: "settle") {
                    try files.remove()
                    try OverlayMount.unmount(root)
                    // The monitor wrote the exit file, and may still be ending.
                    cgroups.removeOnceEmpty(group)
                }
            } catch {
                log.warning("a container that has ended", ["container": id, "error": String(describing: error)])
            }
        }
    }
}
