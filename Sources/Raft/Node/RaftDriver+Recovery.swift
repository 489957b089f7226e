/// What is done to a member's files while it is stopped, when a group is to go on from one copy of its state.
extension RaftDriver {
    /// Makes an empty folder the beginning of a group whose state is there already: the log begins after `state.index`, behind
    /// a snapshot of it, so that members who are added later get it too. `term` is that of the entry at the index.
    ///
    /// A crash on the way leaves a folder that is not to be used: it is made anew from its beginning. Throws `alreadyInUse`,
    /// `diskFull`, `storageFailed`, or the source's own error.
    package static func found(
        id: NodeID, configuration: Configuration, state: StateSnapshot, term: Term, settings: RaftSettings,
        disk: any Disk, sealing: FileSealing? = nil, seed: UInt64
    ) throws {
        guard state.index > 0, term > 0 else {
            throw RaftError(.invalidChange, "a group's first state stands at an entry of a term")
        }
        let folder = try MemberFolder.open(id: id, settings: settings, disk: disk, sealing: sealing, seed: seed)
        guard folder.recovered.lastIndex == 0, folder.snapshots.latest == nil else {
            throw RaftError(
                .alreadyInUse, "the member has a log already, up to entry \(folder.recovered.lastIndex)")
        }
        try folder.votes.write(HardState(term: term))
        let metadata = SnapshotMetadata(index: state.index, term: term, configuration: configuration)
        let writer = try folder.snapshots.write(metadata)
        while true {
            let bytes = try state.source.read(upTo: SnapshotFormat.chunkBytes)
            if bytes.isEmpty { break }
            try writer.append(bytes)
        }
        try writer.end()
        try folder.snapshots.finish(writer)
        try folder.log.reset(index: state.index, term: term)
    }

    /// Makes the member of this folder the only one of its group, with everything that its log has: also what it does not know
    /// to be committed, for that may have been acknowledged. The others must never come back as what they were.
    ///
    /// One entry is appended, of a later term than any that this member knows; until it is durable nothing has changed.
    ///
    /// - Returns: the members that are dropped; none where this one was alone already, and nothing was done.
    package static func forceNewGroup(
        of member: Member, settings: RaftSettings, disk: any Disk, sealing: FileSealing? = nil, seed: UInt64,
        dropping: ([Member]) throws -> Void = { _ in }
    ) throws -> [Member] {
        let folder = try MemberFolder.open(
            id: member.id, settings: settings, disk: disk, sealing: sealing, seed: seed)
        let recovered = folder.recovered
        guard recovered.lastIndex > 0 else {
            throw RaftError(.invalidChange, "this member was never part of its group: it has no log")
        }
        let before = try folder.configuration()
        let dropped = before.members.filter { $0.id != member.id }
        guard !dropped.isEmpty || !before.isVoter(member.id) else { return [] }
        try dropping(dropped)
        let term = max(folder.hardState.term, recovered.lastTerm) + 1
        // The entry is one that a leader of the term would have made: nobody else gets this member's vote for it.
        try folder.votes.write(HardState(term: term, vote: member.id))
        let entry = Entry(
            index: recovered.lastIndex + 1, term: term, kind: .configuration,
            data: Configuration(voters: [member]).encoded())
        try folder.log.append([entry], previousTerm: recovered.lastTerm, commitIndex: recovered.commitIndex)
        return dropped
    }
}

extension RaftNode {
    /// Founds a group whose state is there already, in an empty folder; `options.founders` are its members. It is started like
    /// any other afterwards, and then finds the state where the state machine has less. Blocks.
    ///
    /// - Parameter term: of the entry at the state's index, in the log that the state comes from.
    public static func found(_ options: Options, on state: StateSnapshot, term: Term) throws {
        guard let founders = options.founders else {
            throw RaftError(.invalidChange, "a group is founded by somebody")
        }
        try withFolder(options) { disk, seed in
            try RaftDriver.found(
                id: options.id, configuration: founders, state: state, term: term, settings: options.settings,
                disk: disk, sealing: options.sealing, seed: seed)
        }
    }

    /// The configuration that a stopped member would start with. Blocks.
    public static func configuration(_ options: Options) throws -> Configuration {
        try withFolder(options) { disk, seed in
            try MemberFolder.open(
                id: options.id, settings: options.settings, disk: disk, sealing: options.sealing, seed: seed
            ).configuration()
        }
    }

    /// Makes a stopped member the only one of its group, for one that lost its quorum for good. Nothing that reached this
    /// member is lost, and nothing that did not is found. Blocks.
    ///
    /// - Parameter dropping: told who is dropped, before it is done; a throw keeps everything as it is.
    /// - Returns: those who are dropped; none where the member was alone already.
    public static func forceNewGroup(
        _ options: Options, at address: String, dropping: ([Member]) throws -> Void = { _ in }
    ) throws -> [Member] {
        try withFolder(options) { disk, seed in
            try RaftDriver.forceNewGroup(
                of: Member(id: options.id, address: address), settings: options.settings, disk: disk,
                sealing: options.sealing, seed: seed, dropping: dropping)
        }
    }

    private static func withFolder<T>(_ options: Options, _ body: (any Disk, UInt64) throws -> T) throws -> T {
        let disk = try DirectoryDisk(path: options.directory)
        try disk.lock()
        defer { disk.unlock() }
        var random = SystemRandomNumberGenerator()
        return try body(disk, random.next())
    }
}
