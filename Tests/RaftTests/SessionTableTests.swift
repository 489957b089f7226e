import Testing

@testable import Raft

@Suite struct SessionTableTests {
    /// Applies a command to a table whose state machine counts what it is given.
    private struct Machine {
        var table = SessionTable(maximumSessions: 3)
        var applied: [[UInt8]] = []
        var index: LogIndex = 0

        mutating func apply(_ command: SessionCommand) -> SessionAnswer {
            index += 1
            var applied = applied
            defer { self.applied = applied }
            return table.apply(command, at: index) { bytes in
                applied.append(bytes)
                return [UInt8(applied.count)] + bytes
            }
        }
    }

    private func command(
        _ session: UInt64, _ sequence: UInt64, first: UInt64 = 1, _ bytes: [UInt8] = [7]
    ) -> SessionCommand {
        .command(session: session, sequence: sequence, firstUnanswered: first, bytes: bytes)
    }

    /// scenarios.md, Raft and storage, 14.
    @Test func aRetriedCommandIsAppliedOnce() {
        var machine = Machine()
        #expect(machine.apply(.open) == .opened(1))
        #expect(machine.apply(command(1, 1, [7])) == .applied([1, 7]))
        #expect(machine.apply(command(1, 1, [7])) == .applied([1, 7]))
        #expect(machine.apply(command(1, 2, [8])) == .applied([2, 8]))
        #expect(machine.apply(command(1, 1, [7])) == .applied([1, 7]), "also a late one")
        #expect(machine.applied == [[7], [8]])
    }

    @Test func commandsMayOvertakeEachOther() {
        var machine = Machine()
        _ = machine.apply(.open)
        #expect(machine.apply(command(1, 3)) == .applied([1, 7]))
        #expect(machine.apply(command(1, 1)) == .applied([2, 7]))
        #expect(machine.apply(command(1, 3)) == .applied([1, 7]))
        #expect(machine.apply(command(1, 4, first: 3)) == .applied([3, 7]))
        #expect(machine.apply(command(1, 1)) == .forgotten, "the client said that it has the answer")
        #expect(machine.applied.count == 3)
    }

    @Test func aSessionThatIsGoneAppliesNothing() {
        var machine = Machine()
        _ = machine.apply(.open)
        #expect(machine.apply(.close(session: 1)) == .closed)
        #expect(machine.apply(command(1, 1)) == .expired)
        #expect(machine.apply(.close(session: 1)) == .expired)
        #expect(machine.apply(command(99, 1)) == .expired)
        #expect(machine.applied.isEmpty)
    }

    @Test func sessionsAreBounded() {
        var machine = Machine()
        for _ in 0..<3 { _ = machine.apply(.open) }
        _ = machine.apply(command(1, 1))
        #expect(machine.apply(.open) == .opened(5))
        #expect(machine.table.count == 3)
        #expect(machine.apply(command(2, 1)) == .expired, "2 was unused for longest")
        #expect(machine.apply(command(1, 1)) == .applied([1, 7]))
        for sequence in 2...200 as ClosedRange<UInt64> { _ = machine.apply(command(1, sequence)) }
        #expect(machine.apply(command(1, 136)) == .forgotten)
        #expect(machine.apply(command(1, 137)) == .applied([137, 7]))
    }

    @Test func aTableTravels() throws {
        var machine = Machine()
        for _ in 0..<3 { _ = machine.apply(.open) }
        for sequence in [1, 2, 5] as [UInt64] { _ = machine.apply(command(2, sequence, first: 2)) }
        let bytes = machine.table.encoded()
        #expect(try SessionTable(decoding: bytes) == machine.table)
        for length in bytes.indices {
            #expect(throws: RaftError.self) { try SessionTable(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: RaftError.self) { try SessionTable(decoding: bytes + [0]) }
        #expect(bytes.prefix(9) == [1, 3, 0, 0, 0, 3, 0, 0, 0])
    }

    @Test func commandsAndAnswersTravel() throws {
        for command in [.open, command(3, 4, first: 2, [1, 2, 3]), .close(session: 9)] as [SessionCommand] {
            #expect(try SessionCommand(decoding: command.encoded()) == command)
        }
        let answers: [SessionAnswer] = [.opened(5), .applied([1, 2]), .applied([]), .closed, .expired, .forgotten]
        for answer in answers { #expect(try SessionAnswer(decoding: answer.encoded()) == answer) }
        for garbage in [[], [1], [2, 1], [1, 9], [1, 1, 0], [1, 2, 3]] as [[UInt8]] {
            #expect(throws: RaftError.self) { try SessionCommand(decoding: garbage) }
        }
        #expect(throws: RaftError.self) { try SessionAnswer(decoding: [9]) }
        #expect(command(0x0102, 3, first: 2, [0xaa]).encoded().prefix(4) == [1, 2, 2, 1])
    }

    @Test func aClientNumbersItsCommands() throws {
        var session = ClientSession(id: 4)
        let first = session.command([1])
        let second = session.command([2])
        #expect(try SessionCommand(decoding: second.proposal) == command(4, 2, first: 1, [2]))
        session.answered(first.sequence)
        #expect(try SessionCommand(decoding: session.command([3]).proposal) == command(4, 3, first: 2, [3]))
        session.answered(second.sequence)
        session.answered(3)
        #expect(try SessionCommand(decoding: session.command([4]).proposal) == command(4, 4, first: 4, [4]))
    }
}
