import Platform
import Testing

@testable import Discovery

/// Several submit at once, again and again: nobody is forgotten, also when nobody comes after.
@Suite struct CoalescerTests {
    @Test(.timeLimit(.minutes(1))) func everySubmissionReturns() async throws {
        let loop = try EventLoop(name: "coalescer")
        defer { loop.stop() }
        let coalescer = Coalescer<Int>(loop: loop) { _ in await Task.yield() }
        for _ in 0..<2_000 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 { group.addTask { try await coalescer.submit(worker) } }
                try await group.waitForAll()
            }
        }
    }
}
