internal import Platform

/// The snapshots of a member: one complete, one being written, one being received.
package final class SnapshotStore {
    static let prefix = "snapshot-"
    private static let writingName = "snapshot.tmp"
    private static let incomingName = "incoming.tmp"
    /// Snapshots kept open for followers that are still receiving them, the newest included.
    private static let maximumOpen = 4

    private let disk: any Disk
    /// The newest complete snapshot.
    package private(set) var latest: SnapshotMetadata?
    /// Its file's size.
    var latestBytes: Int { open.last { $0.metadata == latest }?.bytes ?? 0 }
    private var open: [(metadata: SnapshotMetadata, file: any DiskFile, bytes: Int)] = []
    private var incoming: (any DiskFile)?

    private init(disk: any Disk) { self.disk = disk }

    /// Finds the newest snapshot and removes what was never finished. Throws `corrupted` if its header does not check.
    package static func open(disk: any Disk) throws(RaftError) -> SnapshotStore {
        let store = SnapshotStore(disk: disk)
        do {
            let names = try disk.list()
            for name in names where name == writingName || name == incomingName { try disk.remove(name) }
            let complete = names.filter { $0.hasPrefix(prefix) }
            if let newest = complete.last {
                let file = try disk.open(newest, creating: false)
                let reader = try SnapshotFileReader(file: file, name: newest)
                guard name(of: reader.metadata) == newest else {
                    throw RaftError(.corrupted, "snapshot \(newest) says it is another")
                }
                store.latest = reader.metadata
                store.open = [(reader.metadata, file, try file.size())]
            }
            for name in complete.dropLast() { try disk.remove(name) }
            return store
        } catch let error as RaftError {
            throw error
        } catch {
            throw RaftError(.storageFailed, "cannot open the snapshots", cause: error)
        }
    }

    private static func name(of metadata: SnapshotMetadata) -> String {
        prefix + hexadecimal(metadata.index) + "-" + hexadecimal(metadata.term)
    }

    /// The state in the newest snapshot, checked as it is read.
    package func read() throws(RaftError) -> (any ByteSource)? {
        guard let latest, let item = open.first(where: { $0.metadata == latest }) else { return nil }
        return try SnapshotFileReader(file: item.file, name: Self.name(of: latest))
    }

    /// Whether the newest snapshot checks. Reads all of it.
    func isWhole() -> Bool {
        guard let latest, let item = open.first(where: { $0.metadata == latest }),
            let reader = try? SnapshotFileReader(file: item.file, name: Self.name(of: latest))
        else { return false }
        return reader.metadata == latest && (try? reader.verify()) != nil
    }

    /// A piece of a snapshot's file for a follower; nil if that snapshot is gone.
    func piece(
        of metadata: SnapshotMetadata, at offset: UInt64, limit: Int
    ) throws(RaftError) -> Message.SnapshotChunk? {
        guard let item = open.first(where: { $0.metadata == metadata }), offset <= UInt64(item.bytes) else {
            return nil
        }
        do {
            let bytes = try item.file.read(at: Int(offset), count: min(limit, item.bytes - Int(offset)))
            return Message.SnapshotChunk(
                metadata: metadata, totalBytes: UInt64(item.bytes), offset: offset, bytes: bytes)
        } catch { throw RaftError(.storageFailed, "cannot read snapshot \(metadata.index)", cause: error) }
    }

    /// Keeps a piece of a leader's snapshot. True once it is the last one and the whole is checked and durable; nil if the
    /// whole does not check. Throws `diskFull` (the piece may come again) or `storageFailed`.
    func keep(_ chunk: Message.SnapshotChunk) throws(RaftError) -> Bool? {
        do {
            if chunk.offset == 0 {
                try? disk.remove(Self.incomingName)
                incoming = try disk.open(Self.incomingName, creating: true)
            }
            guard let file = incoming else { return nil }
            try file.write(chunk.bytes, at: Int(chunk.offset))
            guard chunk.offset + UInt64(chunk.bytes.count) == chunk.totalBytes else { return false }
            incoming = nil
            let reader = try? SnapshotFileReader(file: file, name: Self.incomingName)
            guard let reader, reader.metadata == chunk.metadata, (try? reader.verify()) != nil else { return nil }
            try file.sync()
            try finish(file, named: Self.incomingName, chunk.metadata)
            return true
        } catch { throw Self.failure(error, "cannot keep snapshot \(chunk.metadata.index)") }
    }

    /// Begins a snapshot of this member's own state.
    package func write(_ metadata: SnapshotMetadata) throws(RaftError) -> SnapshotWriter {
        do {
            try? disk.remove(Self.writingName)
            let file = try disk.open(Self.writingName, creating: true)
            return try SnapshotWriter(file: file, metadata: metadata)
        } catch let error as RaftError {
            throw error
        } catch { throw Self.failure(error, "cannot begin snapshot \(metadata.index)") }
    }

    /// Makes what was written, and ended, the newest snapshot, durably.
    package func finish(_ writer: SnapshotWriter) throws(RaftError) {
        do { try finish(writer.file, named: Self.writingName, writer.metadata) } catch {
            throw Self.failure(error, "cannot finish snapshot \(writer.metadata.index)")
        }
    }

    private func finish(_ file: any DiskFile, named name: String, _ metadata: SnapshotMetadata) throws(SystemError) {
        try disk.rename(name, to: Self.name(of: metadata))
        try disk.syncDirectory()
        // Gone from the folder, an older one can still be read by those that receive it: its file stays open.
        if let latest, latest != metadata { try disk.remove(Self.name(of: latest)) }
        open.removeAll { $0.metadata == metadata }
        open.append((metadata, file, try file.size()))
        if open.count > Self.maximumOpen { open.removeFirst() }
        latest = metadata
    }

    static func failure(_ error: any Error, _ message: String) -> RaftError {
        RaftError((error as? SystemError)?.isDiskFull == true ? .diskFull : .storageFailed, message, cause: error)
    }
}

/// Writes one snapshot, piece by piece.
package final class SnapshotWriter {
    let file: any DiskFile
    package let metadata: SnapshotMetadata
    private var offset = 0
    private var unsynced = 0
    private var chain: UInt32
    /// Synced along the way after so many bytes, so that no sync takes long.
    private static let syncBytes = 8 << 20

    init(file: any DiskFile, metadata: SnapshotMetadata) throws(RaftError) {
        self.file = file
        self.metadata = metadata
        let header = SnapshotFormat.header(metadata)
        chain = header.load(UInt32.self, at: header.count - 4)
        try put(header)
    }

    /// Adds to the state; at most `SnapshotFormat.maximumChunkBytes` at once.
    package func append(_ bytes: [UInt8]) throws(RaftError) {
        guard !bytes.isEmpty else { return }
        precondition(bytes.count <= SnapshotFormat.maximumChunkBytes)
        let (encoded, next) = SnapshotFormat.chunk(bytes, chain: chain)
        chain = next
        try put(encoded)
    }

    /// Ends the file; durable on return.
    package func end() throws(RaftError) {
        try put(SnapshotFormat.chunk([], chain: chain).bytes)
        try sync()
    }

    private func put(_ bytes: [UInt8]) throws(RaftError) {
        do { try file.write(bytes, at: offset) } catch {
            throw SnapshotStore.failure(error, "cannot write snapshot \(metadata.index)")
        }
        offset += bytes.count
        unsynced += bytes.count
        if unsynced >= Self.syncBytes { try sync() }
    }

    private func sync() throws(RaftError) {
        unsynced = 0
        do { try file.sync() } catch { throw SnapshotStore.failure(error, "cannot sync snapshot \(metadata.index)") }
    }
}
