package import Raft

/// A few registers, and a digest of everything applied, in order: two members agree on it only if they applied the same.
///
/// It becomes durable now and then, as SQLite behind a write-ahead log does, and a crash takes it back to there.
package final class SimulatedStateMachine: StateMachine {
    package struct State: Equatable {
        package var index: LogIndex = 0
        package var digest: UInt64 = 0
        package var registers = [UInt64](repeating: 0, count: RegisterCommand.registers)
        /// So few that some go unused for too long.
        package var sessions = SessionTable(maximumSessions: 3)
    }

    package private(set) var state = State()
    /// What the end of the process leaves, and what the end of the machine leaves.
    private var written = State()
    private var durable = State()
    private var random: SeededGenerator
    /// Told of each entry, and of the state after it.
    package var onApply: ((Entry, State) -> Void)?
    /// Told of a snapshot's state.
    package var onRestore: ((State) -> Void)?
    /// One in so many batches becomes durable at once.
    package var durableOneIn: UInt64 = 4
    package private(set) var restores = 0

    /// A register is not what it should be, in memory or for good.
    package private(set) var isFlipped = false
    /// One was, at some time.
    private(set) var wasFlipped = false

    package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// Of everything, so that no flip goes unseen.
    package var digest: UInt64? {
        var digest = state.digest
        for byte in state.registers.flatMap(\.littleEndianBytes) + state.sessions.encoded() {
            digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return digest
    }

    /// One bit of a register changes, by no command; `forGood` also in what a crash leaves.
    package func flip(forGood: Bool) {
        let (register, bit) = (Int(random.below(UInt64(RegisterCommand.registers))), UInt64(1) << random.below(64))
        state.registers[register] ^= bit
        if forGood {
            written.registers[register] ^= bit
            durable.registers[register] ^= bit
        }
        isFlipped = true
        wasFlipped = true
        isWrittenFlipped = isWrittenFlipped || forGood
        isDurableFlipped = isDurableFlipped || forGood
    }

    private var isWrittenFlipped = false
    private var isDurableFlipped = false
    /// Another state took the place of the one that is durable.
    private var isReplaced = false

    package var appliedIndex: LogIndex { state.index }

    package func apply(_ entries: [Entry]) throws -> [[UInt8]] {
        var results: [[UInt8]] = []
        for entry in entries {
            results.append(Self.apply(entry, to: &state))
            onApply?(entry, state)
        }
        if random.below(durableOneIn) == 0 { becomeDurable() }
        if durable == state || random.below(2) == 0 {
            written = state
            isWrittenFlipped = isFlipped
        }
        return results
    }

    /// Returns what the proposer is told. Bytes that are no command come back reversed.
    package static func apply(_ entry: Entry, to state: inout State) -> [UInt8] {
        var digest = state.digest ^ entry.index
        for byte in entry.data { digest = (digest ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        state.digest = (digest ^ UInt64(entry.kind.rawValue) ^ (entry.term << 8)) &* 0x0000_0100_0000_01b3
        state.index = entry.index
        guard entry.kind == .command else { return [] }
        if let command = RegisterCommand(entry.data) { return carryOut(command, &state.registers) }
        guard entry.data.first == sessionMagic, entry.data.count > 9,
            let command = try? SessionCommand(decoding: Array(entry.data[9...]))
        else { return entry.data.reversed() }
        var sessions = state.sessions
        let answer = sessions.apply(command, at: entry.index) { bytes in
            RegisterCommand(bytes).map { carryOut($0, &state.registers) } ?? []
        }
        state.sessions = sessions
        return answer.encoded()
    }

    private static func carryOut(_ command: RegisterCommand, _ registers: inout [UInt64]) -> [UInt8] {
        let (found, wrote) = command.apply(to: &registers[command.register])
        return [wrote ? 1 : 0] + found.littleEndianBytes
    }

    private static let sessionMagic: UInt8 = 0xc2

    /// A session's command in an entry; `token` makes each attempt differ from all others.
    static func payload(_ command: [UInt8], token: UInt64) -> [UInt8] {
        [sessionMagic] + token.littleEndianBytes + command
    }

    package func losePower() {
        state = durable
        written = durable
        isFlipped = isDurableFlipped
        isWrittenFlipped = isDurableFlipped
        isReplaced = false
    }

    package func processEnded() {
        state = written
        isFlipped = isWrittenFlipped
        isReplaced = false
    }

    package func snapshot() throws -> StateSnapshot {
        var bytes = state.index.littleEndianBytes + state.digest.littleEndianBytes
        for register in state.registers { bytes += register.littleEndianBytes }
        let sessions = state.sessions.encoded()
        bytes += UInt64(sessions.count).littleEndianBytes + sessions
        // Ballast, so that a snapshot travels in several pieces.
        for position in 0..<2_000 { bytes.append(UInt8(truncatingIfNeeded: state.digest >> UInt64(position % 56))) }
        return StateSnapshot(index: state.index, source: BytesSource(bytes))
    }

    /// The state that is put in force becomes durable later, like everything else.
    package func read(from source: any ByteSource, index: LogIndex) throws -> () -> Void {
        var bytes: [UInt8] = []
        while true {
            let more = try source.read(upTo: 700)
            if more.isEmpty { break }
            bytes += more
        }
        func number(_ position: Int) -> UInt64 { UInt64(littleEndianBytes: bytes[8 * position..<8 * position + 8]) }
        let sessions = 2 + RegisterCommand.registers
        let start = 8 * (sessions + 1)
        let state = State(
            index: number(0), digest: number(1), registers: (2..<sessions).map { number($0) },
            sessions: try SessionTable(decoding: Array(bytes[start..<start + Int(number(sessions))])))
        return { [self] in
            self.state = state
            restores += 1
            isFlipped = false
            isReplaced = true
            if random.below(2) == 0 { becomeDurable() }
            onRestore?(state)
        }
    }

    package var durableIndex: LogIndex { isReplaced ? 0 : durable.index }

    private func becomeDurable() {
        durable = state
        written = state
        isDurableFlipped = isFlipped
        isWrittenFlipped = isFlipped
        isReplaced = false
    }
}

/// Bytes in memory, read piece by piece.
package final class BytesSource: ByteSource {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    package func read(upTo limit: Int) throws -> [UInt8] {
        defer { rest = rest.dropFirst(limit) }
        return Array(rest.prefix(limit))
    }
}
