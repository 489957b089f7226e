import Raft
import RaftSimulation
import Testing

/// The judge is judged first: on histories that are known to be good or bad.
@Suite struct LinearizabilityCheckerTests {
    private typealias Operation = History.Operation

    private static func put(_ value: UInt64, _ client: UInt64, _ span: ClosedRange<Int>, found: UInt64) -> Operation {
        Operation(
            client: client, .init(.put, register: 0, value: value), invoked: span.lowerBound,
            returned: span.upperBound, found: found, wrote: true)
    }

    private static func get(_ value: UInt64, _ client: UInt64, _ span: ClosedRange<Int>) -> Operation {
        Operation(
            client: client, .init(.get, register: 0), invoked: span.lowerBound, returned: span.upperBound, found: value,
            wrote: false)
    }

    private static func set(
        _ expected: UInt64, _ value: UInt64, _ client: UInt64, _ span: ClosedRange<Int>, found: UInt64
    ) -> Operation {
        Operation(
            client: client, .init(.compareAndSet, register: 0, expected: expected, value: value),
            invoked: span.lowerBound, returned: span.upperBound, found: found, wrote: found == expected)
    }

    private static func unansweredPut(_ value: UInt64, _ client: UInt64, at time: Int) -> Operation {
        Operation(client: client, .init(.put, register: 0, value: value), invoked: time)
    }

    private static let good: [(String, [Operation])] = [
        ("nothing", []),
        ("one after the other", [put(1, 1, 1...2, found: 0), get(1, 2, 3...4)]),
        ("a read beside a write sees the old value", [put(1, 1, 1...4, found: 0), get(0, 2, 2...3)]),
        ("a read beside a write sees the new value", [put(1, 1, 1...4, found: 0), get(1, 2, 2...3)]),
        (
            "two writes side by side, the later one first",
            [put(1, 1, 1...4, found: 2), put(2, 2, 2...3, found: 0), get(1, 1, 5...6)]
        ),
        ("an unanswered write that never happened", [unansweredPut(1, 1, at: 1), get(0, 2, 2...3), get(0, 2, 4...5)]),
        ("an unanswered write that happened late", [unansweredPut(1, 1, at: 1), get(0, 2, 2...3), get(1, 2, 4...5)]),
        ("a set that found what it wanted", [set(0, 5, 1, 1...2, found: 0), get(5, 1, 3...4)]),
        ("a set that did not", [put(1, 1, 1...2, found: 0), set(0, 5, 1, 3...4, found: 1), get(1, 1, 5...6)]),
        (
            "sets side by side, one of which wins",
            [set(0, 5, 1, 1...6, found: 0), set(0, 6, 2, 2...7, found: 5), get(5, 3, 8...9)]
        ),
    ]

    private static let bad: [(String, [Operation])] = [
        ("a read of what nobody wrote", [get(7, 1, 1...2)]),
        ("a stale read", [put(1, 1, 1...2, found: 0), get(0, 2, 3...4)]),
        (
            "a value that goes and comes back",
            [put(1, 1, 1...2, found: 0), put(2, 1, 3...4, found: 1), get(2, 2, 5...6), get(1, 2, 7...8)]
        ),
        (
            "two reads beside a write, the new value before the old",
            [put(1, 1, 1...8, found: 0), get(1, 2, 2...3), get(0, 3, 4...5)]
        ),
        ("both sets win", [set(0, 5, 1, 1...4, found: 0), set(0, 6, 2, 2...3, found: 0)]),
        ("a lost write", [put(1, 1, 1...2, found: 0), put(2, 2, 3...4, found: 0)]),
        ("a write that happened before it was asked for", [get(1, 2, 1...2), put(1, 1, 3...4, found: 0)]),
        (
            "an unanswered write that happened twice",
            [unansweredPut(1, 1, at: 1), get(1, 2, 2...3), put(2, 3, 4...5, found: 1), get(1, 2, 6...7)]
        ),
        ("a set that failed though it fitted", [set(0, 5, 1, 1...2, found: 3)]),
    ]

    @Test(arguments: good.indices) func goodHistories(number: Int) {
        let (name, operations) = Self.good[number]
        #expect(LinearizabilityChecker.check(operations) == .linearizable, "\(name)")
    }

    @Test(arguments: bad.indices) func badHistories(number: Int) {
        let (name, operations) = Self.bad[number]
        guard case .violation(let text) = LinearizabilityChecker.check(operations) else {
            Issue.record("not found: \(name)")
            return
        }
        #expect(text.contains("does not fit"))
    }

    /// Histories of one register as threads would make them; then one answer in each is changed.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func drawnHistories(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let good = Self.draw(&random, operations: 200)
        #expect(LinearizabilityChecker.check(good) == .linearizable)
        var bad = good
        let reads = bad.indices.filter { bad[$0].command.kind == .get && bad[$0].returned != nil }
        let position = reads[Int(random.below(UInt64(reads.count)))]
        let read = bad[position]
        bad[position] = Operation(
            client: read.client, read.command, invoked: read.invoked, returned: read.returned, found: 999_999,
            wrote: false)
        #expect(LinearizabilityChecker.check(bad) != .linearizable)
    }

    /// Each of eight clients has one operation at a time, which happens somewhere between call and answer; some answers are lost.
    private static func draw(_ random: inout SeededGenerator, operations count: Int) -> [Operation] {
        struct Open {
            let command: RegisterCommand
            let invoked: Int
            var result: (found: UInt64, wrote: Bool)?
        }
        var open = [Open?](repeating: nil, count: 8)
        var done: [Operation] = []
        var value: UInt64 = 0
        var time = 0
        while done.count < count {
            time += 1
            let client = Int(random.below(8))
            guard let running = open[client] else {
                let kind: RegisterCommand.Kind = [.put, .get, .get, .compareAndSet][Int(random.below(4))]
                let expected = random.below(2) == 0 ? value : 0
                open[client] = Open(
                    command: .init(kind, register: 0, expected: expected, value: UInt64(time)), invoked: time)
                continue
            }
            if let result = running.result {
                let isLost = random.below(20) == 0
                done.append(
                    Operation(
                        client: UInt64(client), running.command, invoked: running.invoked,
                        returned: isLost ? nil : time, found: isLost ? nil : result.found,
                        wrote: isLost ? nil : result.wrote))
                open[client] = nil
            } else {
                open[client]?.result = running.command.apply(to: &value)
            }
        }
        // Those still open may have happened.
        for (client, running) in open.enumerated() {
            guard let running else { continue }
            done.append(Operation(client: UInt64(client), running.command, invoked: running.invoked))
        }
        return done.filter { $0.command.kind != .get || $0.returned != nil }
    }
}
