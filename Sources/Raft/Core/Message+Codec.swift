extension Message {
    /// The version this member writes. A message of another version is refused.
    static let codecVersion: UInt8 = 1
    /// An upper bound of what `decode` takes, so that a transport can refuse longer frames unread.
    public static let maximumEncodedBytes = 64 << 20
    private static let maximumEntries = 1 << 20

    private enum Tag: UInt8 {
        case vote = 1
        case voteResponse, append, appendResponse, heartbeat, heartbeatResponse, snapshot, snapshotResponse, timeoutNow
        case stateReport, stateVerdict, stateRequest, stateChunk, stateMended
        case leaseHeartbeat
    }

    /// Version, tag, from, to, term, then the body; little-endian.
    public func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: 64)
        func start(_ tag: Tag) {
            writer.write(Self.codecVersion)
            writer.write(tag.rawValue)
            writer.write(from.value)
            writer.write(to.value)
            writer.write(term)
        }
        switch body {
        case .vote(let vote):
            start(.vote)
            writer.write(UInt8(vote.isPreVote ? 1 : vote.isByTransfer ? 2 : 0))
            writer.write(vote.lastIndex)
            writer.write(vote.lastTerm)
        case .voteResponse(let response):
            start(.voteResponse)
            writer.write(UInt8(response.isPreVote ? 1 : 0))
            writer.write(UInt8(response.granted ? 1 : 0))
        case .append(let append):
            start(.append)
            writer.write(append.previousIndex)
            writer.write(append.previousTerm)
            writer.write(append.commit)
            writer.write(UInt32(append.entries.count))
            for entry in append.entries { entry.encode(into: &writer) }
        case .appendResponse(let response):
            start(.appendResponse)
            writer.write(UInt8(response.rejected ? 1 : 0))
            writer.write(response.index)
            writer.write(response.hintIndex)
            writer.write(response.hintTerm)
        case .heartbeat(let heartbeat):
            start(heartbeat.asksPromise ? .leaseHeartbeat : .heartbeat)
            writer.write(heartbeat.commit)
            writer.write(heartbeat.round)
        case .heartbeatResponse(let response):
            start(.heartbeatResponse)
            writer.write(response.round)
        case .snapshot(let chunk):
            start(.snapshot)
            chunk.encode(into: &writer)
        case .snapshotResponse(let response):
            start(.snapshotResponse)
            writer.write(response.index)
            writer.write(response.nextOffset)
        case .timeoutNow:
            start(.timeoutNow)
        case .stateReport(let checkpoint):
            start(.stateReport)
            checkpoint.encode(into: &writer)
        case .stateVerdict(let checkpoint):
            start(.stateVerdict)
            checkpoint.encode(into: &writer)
        case .stateRequest(let request):
            start(.stateRequest)
            request.encode(into: &writer)
        case .stateChunk(let chunk):
            start(.stateChunk)
            chunk.encode(into: &writer)
        case .stateMended:
            start(.stateMended)
        }
        return writer.bytes
    }

    /// Throws `malformed` for anything that `encoded()` would not write.
    public init(decoding bytes: [UInt8]) throws(RaftError) {
        guard bytes.count <= Self.maximumEncodedBytes else {
            throw RaftError(.malformed, "message of \(bytes.count) bytes")
        }
        var reader = ByteReader(bytes)
        let version: UInt8 = try reader.read()
        guard version == Self.codecVersion else {
            throw RaftError(.malformed, "message of unknown version \(version)")
        }
        let rawTag: UInt8 = try reader.read()
        guard let tag = Tag(rawValue: rawTag) else { throw RaftError(.malformed, "message of unknown kind \(rawTag)") }
        let from = NodeID(try reader.read())
        let to = NodeID(try reader.read())
        let term: Term = try reader.read()
        let body = try Self.decodeBody(tag, from: &reader, term: term)
        try reader.expectEnd()
        self.init(from: from, to: to, term: term, body: body)
    }

    private static func decodeBody(_ tag: Tag, from reader: inout ByteReader, term: Term) throws(RaftError) -> Body {
        switch tag {
        case .vote:
            let kind: UInt8 = try reader.read()
            guard kind <= 2 else { throw RaftError(.malformed, "vote request of unknown kind \(kind)") }
            return .vote(
                VoteRequest(
                    isPreVote: kind == 1, isByTransfer: kind == 2, lastIndex: try reader.read(),
                    lastTerm: try reader.read()))
        case .voteResponse:
            return .voteResponse(VoteResponse(isPreVote: try reader.readFlag(), granted: try reader.readFlag()))
        case .append:
            return .append(try decodeAppend(from: &reader, term: term))
        case .appendResponse:
            return .appendResponse(
                AppendResponse(
                    rejected: try reader.readFlag(), index: try reader.read(), hintIndex: try reader.read(),
                    hintTerm: try reader.read()))
        case .heartbeat, .leaseHeartbeat:
            return .heartbeat(
                Heartbeat(
                    commit: try reader.read(), round: try reader.read(), asksPromise: tag == .leaseHeartbeat))
        case .heartbeatResponse:
            return .heartbeatResponse(HeartbeatResponse(round: try reader.read()))
        case .snapshot:
            return .snapshot(try decodeChunk(from: &reader))
        case .snapshotResponse:
            return .snapshotResponse(SnapshotResponse(index: try reader.read(), nextOffset: try reader.read()))
        case .timeoutNow:
            return .timeoutNow
        case .stateReport:
            return .stateReport(try Checkpoint(decodingFrom: &reader))
        case .stateVerdict:
            return .stateVerdict(try Checkpoint(decodingFrom: &reader))
        case .stateRequest:
            return .stateRequest(try StateRequest(decodingFrom: &reader))
        case .stateChunk:
            return .stateChunk(try decodeChunk(from: &reader))
        case .stateMended:
            return .stateMended
        }
    }

    private static func decodeAppend(from reader: inout ByteReader, term: Term) throws(RaftError) -> AppendRequest {
        let previousIndex: LogIndex = try reader.read()
        let previousTerm: Term = try reader.read()
        let commit: LogIndex = try reader.read()
        let count: UInt32 = try reader.read()
        guard count <= maximumEntries, previousIndex <= LogIndex.max / 2 else {
            throw RaftError(.malformed, "append of \(count) entries after \(previousIndex)")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(min(Int(count), reader.remaining / Entry.overheadBytes))
        var last = previousTerm
        for offset in 0..<UInt64(count) {
            let entry = try Entry(index: previousIndex + 1 + offset, decodingFrom: &reader)
            guard entry.term >= last, entry.term <= term else {
                throw RaftError(.malformed, "entry \(entry.index) of term \(entry.term) after \(last) in \(term)")
            }
            last = entry.term
            entries.append(entry)
        }
        return AppendRequest(
            previousIndex: previousIndex, previousTerm: previousTerm, commit: commit, entries: entries)
    }

    private static func decodeChunk(from reader: inout ByteReader) throws(RaftError) -> SnapshotChunk {
        let index: LogIndex = try reader.read()
        let term: Term = try reader.read()
        let configuration = try Configuration(decoding: try reader.readPrefixed(limit: maximumEncodedBytes))
        let totalBytes: UInt64 = try reader.read()
        let offset: UInt64 = try reader.read()
        let bytes = try reader.readPrefixed(limit: maximumEncodedBytes)
        guard index > 0, index <= LogIndex.max / 2, offset <= totalBytes, UInt64(bytes.count) <= totalBytes - offset
        else {
            throw RaftError(.malformed, "snapshot \(index): \(bytes.count) bytes at \(offset) of \(totalBytes)")
        }
        return SnapshotChunk(
            metadata: SnapshotMetadata(index: index, term: term, configuration: configuration),
            totalBytes: totalBytes, offset: offset, bytes: bytes)
    }
}

extension Message.SnapshotChunk {
    func encode(into writer: inout ByteWriter) {
        writer.write(metadata.index)
        writer.write(metadata.term)
        writer.write(prefixed: metadata.configuration.encoded())
        writer.write(totalBytes)
        writer.write(offset)
        writer.write(prefixed: bytes)
    }
}

extension Entry {
    /// Term, kind, length, data; the index follows from the place.
    func encode(into writer: inout ByteWriter) {
        writer.write(term)
        writer.write(kind.rawValue)
        writer.write(prefixed: data)
    }

    init(index: LogIndex, decodingFrom reader: inout ByteReader) throws(RaftError) {
        let term: Term = try reader.read()
        let rawKind: UInt8 = try reader.read()
        guard let kind = Kind(rawValue: rawKind) else {
            throw RaftError(.malformed, "entry \(index) of unknown kind \(rawKind)")
        }
        self.init(index: index, term: term, kind: kind, data: try reader.readPrefixed(limit: .max))
    }
}

extension ByteReader {
    mutating func readFlag() throws(RaftError) -> Bool {
        let value: UInt8 = try read()
        guard value <= 1 else { throw RaftError(.malformed, "\(value) where 0 or 1 is expected") }
        return value == 1
    }
}
