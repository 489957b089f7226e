import TestSupport
import Testing

@testable import Platform

@Suite struct ThreadFeedTests {
    private struct Broken: Error {}

    private func pieces(_ count: Int, failing: Bool = false) -> AsyncThrowingStream<[UInt8], any Error> {
        let next = Counting()
        return AsyncThrowingStream {
            let number = next.next()
            if number < count { return [UInt8(truncatingIfNeeded: number)] }
            if failing { throw Broken() }
            return nil
        }
    }

    private final class Counting: @unchecked Sendable {
        // Asked by one task.
        private var number = -1
        func next() -> Int {
            number += 1
            return number
        }
    }

    @Test func theThreadGetsAllInOrder() async throws {
        let all = try await ThreadFeed.run(named: "feed", over: pieces(1_000)) { next in
            var all: [UInt8] = []
            while true {
                let piece = try next()
                if piece.isEmpty { break }
                all += piece
            }
            #expect(try next().isEmpty, "the end stays the end")
            return all
        }
        #expect(all == (0..<1_000).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test func whatTheSourceThrowsTheThreadIsTold() async {
        await #expect(throws: Broken.self) {
            try await ThreadFeed.run(named: "feed", over: pieces(10, failing: true)) { next in
                while try !next().isEmpty {}
            }
        }
    }

    /// A body that goes on for ever is not taken for ever.
    @Test func aThreadThatGivesUpEndsIt() async {
        await #expect(throws: Broken.self) {
            try await ThreadFeed.run(named: "feed", over: pieces(.max)) { next in
                for _ in 0..<3 { _ = try next() }
                throw Broken()
            }
        }
    }
}
