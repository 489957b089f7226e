import Model
import Testing

@testable import Manager

@Suite struct SettlingTests {
    private func nodes(ready: Int, doubted: Int) -> [Node] {
        (0..<(ready + doubted)).map { number in
            var node = TestCluster.node("n\(number)")
            if number >= ready { node.status = NodeStatus(state: .unknown, message: NodeStatus.leaderChanged) }
            return node
        }
    }

    @Test func oneNodeAloneIsWaitedForByNobody() {
        var settling = Settling()
        settling.look(at: nodes(ready: 0, doubted: 1), now: .seconds(1))
        #expect(settling.wait(at: .seconds(1)) == nil, "nothing fits anywhere, and the task may say so")
        settling.look(at: nodes(ready: 1, doubted: 0), now: .seconds(2))
        #expect(settling.wait(at: .seconds(2)) == nil)
    }

    @Test func theFirstToComeDoesNotGetEverything() {
        var settling = Settling()
        settling.look(at: nodes(ready: 0, doubted: 3), now: .zero)
        settling.look(at: nodes(ready: 1, doubted: 2), now: .seconds(4))
        #expect(settling.wait(at: .seconds(4)) == Settling.quiet)
        settling.look(at: nodes(ready: 2, doubted: 1), now: .milliseconds(4_400))
        #expect(settling.wait(at: .milliseconds(4_600)) == .milliseconds(300))
        settling.look(at: nodes(ready: 3, doubted: 0), now: .milliseconds(4_700))
        #expect(settling.wait(at: .milliseconds(4_700)) == nil)
    }

    @Test func whoDoesNotComeIsNotWaitedFor() {
        var settling = Settling()
        settling.look(at: nodes(ready: 1, doubted: 1), now: .zero)
        #expect(settling.wait(at: .zero) == Settling.quiet, "one was here before the first look")
        settling.look(at: nodes(ready: 1, doubted: 1), now: .milliseconds(400))
        #expect(settling.wait(at: Settling.quiet) == nil)
    }

    @Test func manyThatComeSlowlyAreNotWaitedForEither() {
        var settling = Settling()
        settling.look(at: nodes(ready: 0, doubted: 100), now: .zero)
        for second in 1...20 {
            settling.look(at: nodes(ready: second, doubted: 100 - second), now: .milliseconds(second * 400))
        }
        #expect(settling.wait(at: .milliseconds(2_399)) == .milliseconds(1))
        #expect(settling.wait(at: .milliseconds(8_000)) == nil)
    }

    @Test func whoTakesNoTasksOrWasLetInJustNowIsNotWaitedFor() {
        var settling = Settling()
        var nodes = nodes(ready: 1, doubted: 2)
        nodes[1].spec.availability = .drain
        nodes[2].status.message = NodeStatus.letIn
        settling.look(at: nodes, now: .zero)
        #expect(settling.wait(at: .zero) == nil)
    }
}
