package import Platform
package import Raft

/// A disk in memory that forgets, tears and fails as its seed says.
package final class SimulatedDisk: Disk {
    private var files: [String: SimulatedFile] = [:]
    private var durableFiles: [String: SimulatedFile] = [:]
    private var unsyncedNames: [([String: SimulatedFile]) -> [String: SimulatedFile]] = []
    private var random: SeededGenerator
    private let trace: Trace?

    /// Bytes that may still be allocated; nil is no limit.
    package var freeBytes: Int?
    /// The power goes off at the operation that counts this down to zero.
    package var operationsUntilPowerLoss: Int?
    package private(set) var hasLostPower = false
    /// Every sync fails from now on.
    package var syncsFail = false
    /// The operation that counts this down to zero fails, once.
    package var operationsUntilError: Int?
    package private(set) var hasFailed = false
    /// A sync that fails leaves pages that are taken for clean, and are there to be read, as on Linux.
    package var errorsForgetPages = true
    /// The operation that counts this down to zero hangs for `stallNanoseconds`; whoever runs the member makes time of it.
    package var operationsUntilStall: Int?
    package var stallNanoseconds: UInt64 = 0
    /// How long operations have hung since `takeStall`.
    package private(set) var stalled: UInt64 = 0
    package private(set) var syncs = 0

    package init(seed: UInt64, trace: Trace? = nil) {
        random = SeededGenerator(seed: seed)
        self.trace = trace
    }

    package func list() throws(SystemError) -> [String] {
        try step("readdir")
        return files.keys.sorted()
    }

    package func open(_ name: String, creating: Bool) throws(SystemError) -> any DiskFile {
        try step("open")
        if let file = files[name] { return file }
        guard creating else { throw SystemError(errno: 2, call: "open", subject: name) }
        let file = SimulatedFile(disk: self, name: name)
        files[name] = file
        unsyncedNames.append { names in
            var names = names
            names[name] = file
            return names
        }
        return file
    }

    package func remove(_ name: String) throws(SystemError) {
        try step("unlink")
        if let file = files.removeValue(forKey: name), freeBytes != nil { freeBytes? += file.content.count }
        unsyncedNames.append { names in
            var names = names
            names[name] = nil
            return names
        }
    }

    package func rename(_ name: String, to target: String) throws(SystemError) {
        try step("rename")
        guard let file = files.removeValue(forKey: name) else {
            throw SystemError(errno: 2, call: "rename", subject: name)
        }
        files[target] = file
        unsyncedNames.append { names in
            var names = names
            if let file = names.removeValue(forKey: name) { names[target] = file }
            return names
        }
    }

    package func syncDirectory() throws(SystemError) {
        try step("fsync")
        if syncsFail { throw SystemError(errno: 5, call: "fsync") }
        durableFiles = files
        unsyncedNames = []
    }

    /// The power is back: what was synced is there, of the rest some, all, or a torn part.
    package func restorePower() {
        let kept = Int(random.below(UInt64(unsyncedNames.count + 1)))
        for change in unsyncedNames.prefix(kept) { durableFiles = change(durableFiles) }
        unsyncedNames = []
        files = durableFiles
        for name in files.keys.sorted() { files[name]?.losePower(&random) }
        hasLostPower = false
        operationsUntilPowerLoss = nil
        syncsFail = false
        processEnded()
    }

    /// The process that used the disk is gone, and the machine is not: what was written is there, synced or not.
    package func processEnded() {
        hasFailed = false
        operationsUntilError = nil
        operationsUntilStall = nil
        stalled = 0
    }

    /// How long operations have hung since the last call.
    package func takeStall() -> UInt64 {
        defer { stalled = 0 }
        return stalled
    }

    /// Flips one bit of what is written in `name`, durably; false if there is nothing but zeros.
    package func flipBit(in name: String) -> Bool {
        guard let file = files[name], let last = file.content.lastIndex(where: { $0 != 0 }) else { return false }
        let position = Int(random.below(UInt64(last + 1)))
        let bit = UInt8(1) << UInt8(random.below(8))
        file.modify { $0[position] ^= bit }
        return true
    }

    /// Changes bytes behind everybody's back.
    package func modify(_ name: String, _ change: (inout [UInt8]) -> Void) { files[name]?.modify(change) }

    package func content(of name: String) -> [UInt8] { files[name]?.content ?? [] }

    package var names: [String] { files.keys.sorted() }

    fileprivate func step(_ call: String) throws(SystemError) {
        if let left = operationsUntilPowerLoss {
            operationsUntilPowerLoss = left - 1
            if left <= 1 { hasLostPower = true }
        }
        if hasLostPower { throw SystemError(errno: 5, call: call, subject: "power lost") }
        if let left = operationsUntilStall {
            operationsUntilStall = left > 1 ? left - 1 : nil
            if left <= 1 { stalled += stallNanoseconds }
        }
        if let left = operationsUntilError {
            operationsUntilError = left > 1 ? left - 1 : nil
            if left <= 1 {
                hasFailed = true
                throw SystemError(errno: 5, call: call, subject: "a failing disk")
            }
        }
    }

    fileprivate func note(write bytes: [UInt8], at offset: Int) {
        trace?.note("write", UInt64(offset), UInt64(bytes.count), UInt64(CRC32C.checksum(bytes)))
    }

    fileprivate func synced() { syncs += 1 }

    fileprivate func take(_ bytes: Int) throws(SystemError) {
        guard let free = freeBytes, bytes > 0 else { return }
        guard bytes <= free else { throw SystemError(errno: 28, call: "fallocate") }
        freeBytes = free - bytes
    }
}

private final class SimulatedFile: DiskFile {
    private enum Change {
        case write(offset: Int, bytes: [UInt8])
        case resize(Int)
    }

    private unowned let disk: SimulatedDisk
    fileprivate let name: String
    private(set) var content: [UInt8] = []
    private var durable: [UInt8] = []
    private var unsynced: [Change] = []

    init(disk: SimulatedDisk, name: String) {
        self.disk = disk
        self.name = name
    }

    func size() throws(SystemError) -> Int {
        try disk.step("fstat")
        return content.count
    }

    func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try disk.step("pread")
        guard offset < content.count else { return [] }
        return Array(content[offset..<min(offset + count, content.count)])
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
        try disk.take(offset + bytes.count - content.count)
        disk.note(write: bytes, at: offset)
        let change = Change.write(offset: offset, bytes: bytes)
        Self.apply(change, to: &content)
        unsynced.append(change)
        try disk.step("pwrite")
    }

    func allocate(_ size: Int) throws(SystemError) {
        try disk.step("fallocate")
        guard size > content.count else { return }
        try disk.take(size - content.count)
        resize(size)
    }

    func truncate(to size: Int) throws(SystemError) {
        try disk.step("ftruncate")
        resize(size)
    }

    func sync() throws(SystemError) {
        do { try disk.step("fdatasync") } catch {
            if disk.hasFailed && disk.errorsForgetPages { unsynced = [] }
            throw error
        }
        if disk.syncsFail { throw SystemError(errno: 5, call: "fdatasync", subject: name) }
        for change in unsynced { Self.apply(change, to: &durable) }
        unsynced = []
        disk.synced()
    }

    func losePower(_ random: inout SeededGenerator) {
        for change in unsynced {
            switch (change, random.below(4)) {
            case (_, 0): break
            case (_, 1): Self.apply(change, to: &durable)
            case (.resize, _): Self.apply(change, to: &durable)
            case (.write(let offset, let bytes), 2):
                let count = Int(random.below(UInt64(bytes.count)))
                Self.apply(.write(offset: offset, bytes: Array(bytes.prefix(count))), to: &durable)
            case (.write(let offset, let bytes), _):
                loseSectors(offset, bytes, &random)
            }
        }
        unsynced = []
        content = durable
    }

    /// Some of the sectors that a write touches arrive, in no order.
    private func loseSectors(_ offset: Int, _ bytes: [UInt8], _ random: inout SeededGenerator) {
        var position = 0
        while position < bytes.count {
            let next = min(bytes.count, position + 512 - (offset + position) % 512)
            if random.below(2) == 0 {
                Self.apply(.write(offset: offset + position, bytes: Array(bytes[position..<next])), to: &durable)
            }
            position = next
        }
    }

    func modify(_ change: (inout [UInt8]) -> Void) {
        change(&content)
        durable = content
        unsynced = []
    }

    private func resize(_ size: Int) {
        let change = Change.resize(size)
        Self.apply(change, to: &content)
        unsynced.append(change)
    }

    private static func apply(_ change: Change, to bytes: inout [UInt8]) {
        switch change {
        case .resize(let size) where size < bytes.count:
            bytes.removeLast(bytes.count - size)
        case .resize(let size):
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        case .write(let offset, let new):
            let end = offset + new.count
            if bytes.count < end { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
            bytes.withUnsafeMutableBytes { target in
                new.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: target[offset..<end]).copyMemory(from: $0)
                }
            }
        }
    }
}
