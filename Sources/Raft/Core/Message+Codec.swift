internal import Platform

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
        var writer = ByteWriter(reserving: cost + 256)
        func start(_ tag: Tag) {
            writer.integer(Self.codecVersion)
            writer.integer(tag.rawValue)
            writer.integer(from.value)
            writer.integer(to.value)
            writer.integer(term)
        }
        switch body {
        case .vote(let vote):
            start(.vote)
            writer.integer(UInt8(vote.isPreVote ? 1 : vote.isByTransfer ? 2 : 0))
            writer.integer(vote.lastIndex)
            writer.integer(vote.lastTerm)
        case .voteResponse(let response):
            start(.voteResponse)
            writer.integer(UInt8(response.isPreVote ? 1 : 0))
            writer.integer(UInt8(response.granted ? 1 : 0))
        case .append(let append):
            start(.append)
            writer.integer(append.previousIndex)
            writer.integer(append.previousTerm)
            writer.integer(append.commit)
            writer.integer(UInt32(append.entries.count))
            for entry in append.entries { entry.encode(into: &writer) }
        case .appendResponse(let response):
            start(.appendResponse)
            writer.integer(UInt8(response.rejected ? 1 : 0))
            writer.integer(response.index)
            writer.integer(response.hintIndex)
            writer.integer(response.hintTerm)
        case .heartbeat(let heartbeat):
            start(heartbeat.asksPromise ? .leaseHeartbeat : .heartbeat)
            writer.integer(heartbeat.commit)
            writer.integer(heartbeat.round)
        case .heartbeatResponse(let response):
            start(.heartbeatResponse)
            writer.integer(response.round)
        case .snapshot(let chunk):
            start(.snapshot)
            chunk.encode(into: &writer)
        case .snapshotResponse(let response):
            start(.snapshotResponse)
            writer.integer(response.index)
            writer.integer(response.nextOffset)
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
        let version: UInt8 = try reader.integer()
        guard version == Self.codecVersion else {
            throw RaftError(.malformed, "message of unknown version \(version)")
        }
        let rawTag: UInt8 = try reader.integer()
        guard let tag = Tag(rawValue: rawTag) else { throw RaftError(.malformed, "message of unknown kind \(rawTag)") }
        let from = NodeID(try reader.integer())
        let to = NodeID(try reader.integer())
        let term: Term = try reader.integer()
        let body = try Self.decodeBody(tag, from: &reader, term: term)
        try reader.expectEnd()
        self.init(from: from, to: to, term: term, body: body)
    }

    private static func decodeBody(_ tag: Tag, from reader: inout ByteReader, term: Term) throws(RaftError) -> Body {
        switch tag {
        case .vote:
            let kind: UInt8 = try reader.integer()
            guard kind <= 2 else { throw RaftError(.malformed, "vote request of unknown kind \(kind)") }
            return .vote(
                VoteRequest(
                    isPreVote: kind == 1, isByTransfer: kind == 2, lastIndex: try reader.integer(),
                    lastTerm: try reader.integer()))
        case .voteResponse:
            return .voteResponse(VoteResponse(isPreVote: try reader.readFlag(), granted: try reader.readFlag()))
        case .append:
            return .append(try decodeAppend(from: &reader, term: term))
        case .appendResponse:
            return .appendResponse(
                AppendResponse(
                    rejected: try reader.readFlag(), index: try reader.integer(), hintIndex: try reader.integer(),
                    hintTerm: try reader.integer()))
        case .heartbeat, .leaseHeartbeat:
            return .heartbeat(
                Heartbeat(
                    commit: try reader.integer(), round: try reader.integer(), asksPromise: tag == .leaseHeartbeat))
        case .heartbeatResponse:
            return .heartbeatResponse(HeartbeatResponse(round: try reader.integer()))
        case .snapshot:
            return .snapshot(try decodeChunk(from: &reader))
        case .snapshotResponse:
            return .snapshotResponse(SnapshotResponse(index: try reader.integer(), nextOffset: try reader.integer()))
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
        let previousIndex: LogIndex = try reader.integer()
        let previousTerm: Term = try reader.integer()
        let commit: LogIndex = try reader.integer()
        let count: UInt32 = try reader.integer()
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
        let index: LogIndex = try reader.integer()
        let term: Term = try reader.integer()
        let configuration = try Configuration(decoding: try reader.data(limit: maximumEncodedBytes))
        let totalBytes: UInt64 = try reader.integer()
        let offset: UInt64 = try reader.integer()
        let bytes = try reader.data(limit: maximumEncodedBytes)
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
        writer.integer(metadata.index)
        writer.integer(metadata.term)
        writer.data(metadata.configuration.encoded())
        writer.integer(totalBytes)
        writer.integer(offset)
        writer.data(bytes)
    }
}

extension Entry {
    /// Term, kind, length, data; the index follows from the place.
    func encode(into writer: inout ByteWriter) {
        writer.integer(term)
        writer.integer(kind.rawValue)
        writer.data(data)
    }

    init(index: LogIndex, decodingFrom reader: inout ByteReader) throws(RaftError) {
        let term: Term = try reader.integer()
        let rawKind: UInt8 = try reader.integer()
        guard let kind = Kind(rawValue: rawKind) else {
            throw RaftError(.malformed, "entry \(index) of unknown kind \(rawKind)")
        }
        self.init(index: index, term: term, kind: kind, data: try reader.data())
    }
}

extension ByteReader {
    mutating func readFlag() throws(RaftError) -> Bool {
        let value: UInt8 = try integer()
        guard value <= 1 else { throw RaftError(.malformed, "\(value) where 0 or 1 is expected") }
        return value == 1
    }
}
