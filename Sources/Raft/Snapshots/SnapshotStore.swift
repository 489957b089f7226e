internal import Platform

/// The snapshots of a member: one complete, one being written, one being received.
package final class SnapshotStore {
    static let prefix = "snapshot-"
    private static let writingName = "snapshot.tmp"
    private static let incomingName = "incoming.tmp"
    /// Snapshots kept open for followers that are still receiving them, the newest included.
    private static let maximumOpen = 4

    private let disk: any Disk
    private let sealing: FileSealing?
    /// The newest complete snapshot.
    package var latest: SnapshotMetadata? { open.last?.metadata }
    /// Its file's size.
    var latestBytes: Int { open.last?.file.count ?? 0 }
    /// Oldest first.
    private var open: [(metadata: SnapshotMetadata, file: SnapshotFile)] = []
    private var incoming: SnapshotFile?

    private init(disk: any Disk, sealing: FileSealing?) {
        self.disk = disk
        self.sealing = sealing
    }

    /// Finds the newest snapshot and removes what was never finished. One that is not sealed with the newest key is written anew.
    /// Throws `corrupted` if its header does not check, `wrongKey` if this member cannot open it.
    package static func open(disk: any Disk, sealing: FileSealing? = nil) throws(RaftError) -> SnapshotStore {
        let store = SnapshotStore(disk: disk, sealing: sealing)
        do {
            let names = try disk.list()
            for name in names where name == writingName || name == incomingName { try disk.remove(name) }
            let complete = names.filter { $0.hasPrefix(prefix) }
            if let newest = complete.last {
                let file = try store.resealed(try store.file(newest), named: newest)
                let reader = try SnapshotFileReader(file: file, name: newest)
                guard name(of: reader.metadata) == newest else {
                    throw RaftError(.corrupted, "snapshot \(newest) says it is another")
                }
                store.open = [(reader.metadata, file)]
            }
            for name in complete.dropLast() { try disk.remove(name) }
            return store
        } catch let error as RaftError {
            throw error
        } catch {
            throw RaftError(.storageFailed, "cannot open the snapshots", cause: error)
        }
    }

    private func file(_ name: String) throws -> SnapshotFile {
        try SnapshotFile(reading: disk.open(name, creating: false), name: name, sealing: sealing)
    }

    /// Without the space to write it anew, or where it is damaged, it stays as it is.
    private func resealed(_ file: SnapshotFile, named name: String) throws -> SnapshotFile {
        guard let key = sealing?.keys.newest.number, file.keyNumber != key else { return file }
        do {
            let copy = try SnapshotFile(
                writing: disk.open(Self.writingName, creating: true), name: name, sealing: sealing)
            while copy.count < file.count {
                try copy.write(file.read(at: copy.count, count: SnapshotFormat.chunkBytes), at: copy.count)
            }
            try copy.end()
            try disk.rename(Self.writingName, to: name)
            try disk.syncDirectory()
            return copy
        } catch let error as SystemError where error.isDiskFull {
            try disk.remove(Self.writingName)
            return file
        } catch let error as RaftError where error.code == .corrupted {
            try disk.remove(Self.writingName)
            return file
        }
    }

    /// Whether the newest snapshot is plain, or sealed with a key that is not the newest.
    var hasEarlierKey: Bool {
        guard let key = sealing?.keys.newest.number, let newest = open.last else { return false }
        return newest.file.keyNumber != key
    }

    /// Whether pieces of a leader's snapshot are coming in.
    var isReceiving: Bool { incoming != nil }

    private static func name(of metadata: SnapshotMetadata) -> String {
        prefix + hexadecimal(metadata.index) + "-" + hexadecimal(metadata.term)
    }

    /// The state in the newest snapshot, checked as it is read.
    package func read() throws(RaftError) -> (any ByteSource)? {
        guard let newest = open.last else { return nil }
        return try SnapshotFileReader(file: newest.file, name: Self.name(of: newest.metadata))
    }

    /// What reads the newest snapshot once more, to see whether it checks. Nil where it cannot even be begun.
    func check() -> SnapshotCheck? {
        guard let newest = open.last, let file = try? newest.file.again(sealing: sealing) else { return nil }
        return SnapshotCheck(newest.metadata, file)
    }

    /// A piece of a snapshot's file for a follower; nil if that snapshot is gone.
    func piece(
        of metadata: SnapshotMetadata, at offset: UInt64, limit: Int
    ) throws(RaftError) -> Message.SnapshotChunk? {
        guard let item = open.first(where: { $0.metadata == metadata }), offset <= UInt64(item.file.count) else {
            return nil
        }
        do {
            let bytes = try item.file.read(at: Int(offset), count: limit)
            return Message.SnapshotChunk(
                metadata: metadata, totalBytes: UInt64(item.file.count), offset: offset, bytes: bytes)
        } catch let error as RaftError {
            throw error
        } catch { throw RaftError(.storageFailed, "cannot read snapshot \(metadata.index)", cause: error) }
    }

    /// What became of a piece of a leader's snapshot.
    enum Kept {
        case piece(SnapshotFile)
        /// It was the last. The file is the caller's, to be made durable and checked before it comes to `finish(arrived:_:)`.
        case whole(SnapshotFile)
        /// It does not go with those before.
        case misfit
    }

    /// Keeps a piece of a leader's snapshot. Throws `diskFull` (the piece may come again) or `storageFailed`.
    func keep(_ chunk: Message.SnapshotChunk) throws(RaftError) -> Kept {
        do {
            if chunk.offset == 0 {
                try? disk.remove(Self.incomingName)
                incoming = try SnapshotFile(
                    writing: disk.open(Self.incomingName, creating: true), name: Self.incomingName, sealing: sealing)
            }
            guard let file = incoming else { return .misfit }
            if chunk.offset == UInt64(file.count) {
                try file.write(chunk.bytes, at: file.count)
            } else if chunk.offset + UInt64(chunk.bytes.count) > UInt64(file.count) {
                // It is neither the next nor one that is there already.
                return .misfit
            }
            guard chunk.offset + UInt64(chunk.bytes.count) == chunk.totalBytes else {
                try file.syncIfMuch()
                return .piece(file)
            }
            try file.writeRest()
            incoming = nil
            return .whole(file)
        } catch { throw Self.failure(error, "cannot keep snapshot \(chunk.metadata.index)") }
    }

    /// Makes a leader's snapshot, of which `keep` gave the file, the newest one, durably.
    func finish(arrived file: SnapshotFile, _ metadata: SnapshotMetadata) throws(RaftError) {
        do { try finish(file, named: Self.incomingName, metadata) } catch {
            throw Self.failure(error, "cannot keep snapshot \(metadata.index)")
        }
    }

    /// Forgets a leader's snapshot of which nothing is wanted any more.
    func abandonIncoming() {
        incoming = nil
        discardArrived()
    }

    /// Forgets a leader's snapshot of which `keep` gave the file, where none has begun to come since.
    func discardArrived() { if incoming == nil { try? disk.remove(Self.incomingName) } }

    /// Begins a snapshot of this member's own state.
    package func write(_ metadata: SnapshotMetadata) throws(RaftError) -> SnapshotWriter {
        do {
            try? disk.remove(Self.writingName)
            let file = try SnapshotFile(
                writing: disk.open(Self.writingName, creating: true), name: Self.name(of: metadata), sealing: sealing)
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

    private func finish(_ file: SnapshotFile, named name: String, _ metadata: SnapshotMetadata) throws(SystemError) {
        try disk.rename(name, to: Self.name(of: metadata))
        try disk.syncDirectory()
        // Gone from the folder, an older one can still be read by those that receive it: its file stays open.
        if let latest, latest != metadata { try disk.remove(Self.name(of: latest)) }
        open.removeAll { $0.metadata == metadata }
        open.append((metadata, file))
        if open.count > Self.maximumOpen { open.removeFirst() }
    }

    static func failure(_ error: any Error, _ message: String) -> RaftError {
        RaftError((error as? SystemError)?.isDiskFull == true ? .diskFull : .storageFailed, message, cause: error)
    }
}

/// Writes one snapshot, piece by piece.
package final class SnapshotWriter {
    let file: SnapshotFile
    package let metadata: SnapshotMetadata
    private var chain: UInt32

    init(file: SnapshotFile, metadata: SnapshotMetadata) throws(RaftError) {
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
        do { try file.end() } catch { throw SnapshotStore.failure(error, "cannot end snapshot \(metadata.index)") }
    }

    private func put(_ bytes: [UInt8]) throws(RaftError) {
        do {
            try file.write(bytes, at: file.count)
            try file.syncIfMuch()
        } catch { throw SnapshotStore.failure(error, "cannot write snapshot \(metadata.index)") }
    }
}
