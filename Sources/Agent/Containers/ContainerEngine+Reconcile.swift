import Glibc
import Platform

/// What a start does: records, conmon's files and the runtime's list are brought to agree, and what runs is left alone.
extension ContainerEngine {
    func reconcile() async throws {
        for record in try store.all() { entries[record.id] = Entry(record: record) }
        let known = try await runtime.list()
        for status in known where entries[status.id] == nil {
            // Its root is ours alone: nobody else knows of it.
            log.warning("removing a container without a record", ["container": status.id])
            try? await runtime.delete(status.id, force: true)
        }
        let statuses = Dictionary(known.map { ($0.id, $0) }) { first, _ in first }
        for id in entries.keys.sorted() { try await takeUp(id, statuses[id]) }
        try await sweep()
    }

    private func takeUp(_ id: String, _ status: OCIRuntime.Status?) async throws {
        guard let record = entries[id]?.record else { return }
        switch record.state {
        case .exited: if status != nil { settle(id) }
        case .created: try await remount(id)
        case .starting: try await takeUpStarting(id, status)
        case .running:
            if let code = readExitFile(id) {
                finish(id, code: code, error: nil)
            } else if record.process?.isAlive == true {
                log.info("container taken up again", ["container": id, "name": record.name])
                watchProcess(id)
            } else if record.monitor?.isAlive == true {
                // It is about to say the code.
                watchProcess(id)
            } else {
                finish(id, code: 137, error: "it was lost while the daemon was away: the exit code is not known")
            }
        }
    }

    /// The daemon ended between asking for a start and hearing of it.
    private func takeUpStarting(_ id: String, _ status: OCIRuntime.Status?) async throws {
        if let status, status.status == "running", let pid = status.pid, let process = ProcessIdentity(pid: pid) {
            let monitorText = (try? Files.readText(paths(id).monitorPidFile, limit: 64))?.trimmed
            try update(id) { record in
                record.state = .running
                record.startedAt = WallClock.now()
                record.process = process
                record.monitor = monitorText.flatMap { Int32($0) }.flatMap { ProcessIdentity(pid: $0) }
            }
            return watchProcess(id)
        }
        if let code = readExitFile(id), status?.status != "created" { return finish(id, code: code, error: nil) }
        try? await runtime.delete(id, force: true)
        unlink(paths(id).exitFile)
        try update(id) { $0.state = .created }
        try await remount(id)
    }

    /// After a reboot the records are there and the mounts are not.
    private func remount(_ id: String) async throws {
        guard let record = entries[id]?.record else { return }
        let paths = paths(id)
        guard try !OverlayMount.mountPoints(under: directories.containers).contains(paths.root) else { return }
        do {
            let bundle = try bundle(
                record.specification, try await images.image(named: record.image.description))
            try await runOnThread(named: "bundle") { try bundle.prepare() }
        } catch {
            finish(id, code: 128, error: "its root file system could not be mounted again: \(error)")
        }
    }

    /// Removes what has no record: bundles, mounts, exit files, links. Only in this node's own folders.
    private func sweep() async throws {
        for name in try Files.list(directories.containers) where entries[name] == nil {
            log.warning("removing the rest of a container without a record", ["container": name])
            do {
                try await clear(name)
            } catch {
                log.warning("the rest of a container stays", ["container": name, "error": String(describing: error)])
            }
        }
        for name in try Files.list(directories.files) where entries[name].map({ $0.record.state == .exited }) ?? true {
            try ContainerFiles(path: "\(directories.files)/\(name)").remove()
        }
        for name in try Files.list(directories.exits) where entries[name] == nil {
            unlink("\(directories.exits)/\(name)")
        }
        for name in try Files.list(directories.sockets) where entries[name] == nil {
            unlink("\(directories.sockets)/\(name)")
        }
        for name in try Files.list(directories.persist) where entries[name] == nil {
            try removeTree("\(directories.persist)/\(name)")
        }
    }
}
