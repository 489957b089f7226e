import Testing

@testable import Raft

@Suite struct SnapshotTransferTests {
    private static let configuration = Configuration(voters: [Member(id: NodeID(1), address: "m1")])
    private static let metadata = SnapshotMetadata(index: 20, term: 2, configuration: configuration)
    private static let limits = SnapshotTransfer.Limits(piece: 10, window: 40, patience: .milliseconds(250))
    private let now = MonotonicInstant(nanoseconds: 1)
    private let total: UInt64 = 95
    private var transfer = SnapshotTransfer(metadata: metadata)

    /// Sends what there is room for, and says where the pieces begin.
    private mutating func send(at instant: MonotonicInstant? = nil) -> [UInt64] {
        var sent: [UInt64] = []
        while let offset = transfer.nextRead() {
            let isNext = read(offset, at: instant ?? now)
            #expect(isNext)
            sent.append(offset)
        }
        return sent
    }

    private mutating func read(_ offset: UInt64, at instant: MonotonicInstant) -> Bool {
        let bytes = [UInt8](repeating: 0, count: Int(min(10, total - offset)))
        return transfer.read(
            .init(metadata: Self.metadata, totalBytes: total, offset: offset, bytes: bytes), at: instant)
    }

    private mutating func answer(_ next: UInt64, at instant: MonotonicInstant? = nil) -> SnapshotTransfer.Answer {
        transfer.answered(next, at: instant ?? now, Self.limits)
    }

    @Test mutating func piecesGoAheadUpToTheWindow() {
        #expect(send() == [0], "the first says how much there is")
        #expect(answer(10) == .moved)
        #expect(send() == [10, 20])
        #expect(answer(20) == .moved)
        #expect(send() == [30, 40])
        #expect(answer(50) == .moved)
        #expect(send() == [50, 60, 70, 80])
        #expect(answer(60) == .moved)
        #expect(send() == [90] && transfer.isSent)
        #expect(answer(90) == .moved)
        #expect(send() == [])
    }

    @Test mutating func aFollowerThatHasAPartGoesOnThere() {
        #expect(send() == [0])
        #expect(answer(70) == .moved)
        #expect(send() == [70, 80])
        #expect(answer(96) == .ignored, "more than there is")
    }

    /// The one piece that is lacking is sent again; what follows it the follower has.
    @Test mutating func aLostPieceIsSentAgainAndNoOther() {
        _ = send()
        _ = answer(10)
        _ = send()
        _ = answer(20)
        #expect(send() == [30, 40])
        #expect(answer(20) == .ignored, "a piece came before its turn")
        #expect(send() == [])
        #expect(transfer.repeatPiece() == 20)
        #expect(transfer.nextRead() == nil && transfer.repeatPiece() == nil, "it is being read")
        let isNext = read(20, at: now)
        #expect(isNext)
        #expect(send() == [], "one at a time until it is answered")
        #expect(answer(50) == .moved)
        #expect(send() == [50, 60])
    }

    @Test mutating func oldAnswersChangeNothing() {
        _ = send()
        _ = answer(10)
        _ = send()
        #expect(answer(30) == .moved)
        #expect(answer(20) == .ignored && answer(30) == .ignored && answer(10) == .ignored)
        #expect(transfer.offset == 30)
    }

    /// It has lost what it had, and a late piece has brought it a part of the way again.
    @Test mutating func aFollowerThatForgotIsFollowedBack() {
        _ = send()
        _ = answer(10)
        _ = send()
        #expect(answer(30) == .moved)
        _ = send()
        #expect(answer(0) == .moved)
        #expect(send() == [0])
        #expect(answer(50) == .moved)
        _ = send()
        let offset = transfer.repeatPiece()
        #expect(offset == 50)
        _ = read(50, at: now)
        #expect(answer(20) == .moved)
        #expect(send() == [20])
    }

    @Test mutating func whatWasSentWholeAndIsWantedAgainIsDoubted() {
        _ = send()
        for next in stride(from: 10, through: 90, by: 10) {
            _ = answer(UInt64(next))
            _ = send()
        }
        #expect(transfer.isSent && answer(0) == .doubted)
    }

    /// A follower that has all, and reads it, is asked now and then whether it still has.
    @Test mutating func oneThatHasAllIsAskedWithoutAPiece() {
        _ = send()
        #expect(answer(95) == .moved)
        #expect(send() == [])
        #expect(transfer.repeatPiece() == 95)
        let isNext = read(95, at: now)
        #expect(isNext && answer(95) == .ignored)
        #expect(answer(0) == .doubted)
    }

    /// Heartbeats wait behind pieces.
    @Test mutating func aWindowThatIsAnsweredLateShrinks() {
        _ = send()
        for next in [10, 30, 50] as [UInt64] {
            _ = answer(next)
            _ = send()
        }
        #expect(transfer.window == 40 && transfer.sent == 90)
        let late = now + .milliseconds(251)
        #expect(answer(60, at: late) == .moved && transfer.window == 20)
        #expect(send(at: late) == [])
        #expect(answer(70, at: late) == .moved && transfer.window == 10)
        #expect(answer(80, at: late) == .moved)
        #expect(answer(90, at: late) == .moved && transfer.window == 2)
        #expect(send(at: late) == [90], "one is always under way")
    }

    /// A piece that was asked for before the transfer went elsewhere does not go out.
    @Test mutating func aPieceThatIsNotTheNextIsNotSent() {
        _ = send()
        _ = answer(10)
        #expect(transfer.nextRead() == 10)
        _ = answer(50)
        let isNext = read(10, at: now)
        #expect(!isNext)
        #expect(send() == [50, 60])
    }
}
