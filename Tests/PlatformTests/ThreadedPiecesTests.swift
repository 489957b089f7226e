import Platform
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct ThreadedPiecesTests {
    private struct Trouble: Error {}

    @Test func piecesComeInOrderAndEnd() async throws {
        let pieces = ThreadedPieces(named: "test-pieces") { put in
            for number in 0..<UInt8(100) { try put([number]) }
        }
        var seen: [UInt8] = []
        for try await piece in pieces { seen += piece }
        #expect(seen == Array(0..<100))
    }

    @Test func theThreadIsNoFurtherAheadThanItMay() async throws {
        let made = Mutex(0)
        let pieces = ThreadedPieces(named: "test-pieces") { put in
            for number in 0..<UInt8(50) {
                try put([number])
                made.withLock { $0 += 1 }
            }
        }
        var iterator = pieces.makeAsyncIterator()
        try await eventually("it begins") { made.withLock { $0 } > 0 }
        try await Task.sleep(for: .milliseconds(50))
        #expect(made.withLock { $0 } <= 4)
        var count = 0
        while try await iterator.next() != nil { count += 1 }
        #expect(count == 50)
    }

    @Test func whatTheThreadThrowsComesBehindItsPieces() async throws {
        let pieces = ThreadedPieces(named: "test-pieces") { put in
            try put([1])
            throw Trouble()
        }
        var iterator = pieces.makeAsyncIterator()
        #expect(try await iterator.next() == [1])
        await #expect(throws: Trouble.self) { try await iterator.next() }
    }

    @Test(arguments: [false, true]) func whoGoesAwayEndsTheThread(isCancelled: Bool) async throws {
        let isOver = Mutex(false)
        let pieces = ThreadedPieces(named: "test-pieces") { put in
            defer { isOver.withLock { $0 = true } }
            while true { try put([1]) }
        }
        if isCancelled {
            let task = Task { for try await _ in pieces {} }
            try await Task.sleep(for: .milliseconds(10))
            task.cancel()
            _ = await task.result
        } else {
            for try await _ in pieces { break }
        }
        try await eventually("the thread ends") { isOver.withLock { $0 } }
    }
}
