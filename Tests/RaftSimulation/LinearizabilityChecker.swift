/// Whether operations on one register can have happened one after the other, each at a moment between its invocation and its
/// answer (Herlihy and Wing 1990).
///
/// The search is Wing and Gong's (1993), with Lowe's memory of what was tried (2017): a configuration is the set of operations
/// that have happened and the value they led to. Registers are checked one by one: a history is linearizable exactly if each
/// object's part of it is.
package struct LinearizabilityChecker {
    package enum Verdict: Equatable, Sendable {
        case linearizable
        /// The longest way that the search came, and the first operation that it could not place.
        case violation(String)
        /// Given up after so many steps.
        case undecided
    }

    private struct Configuration: Hashable {
        var happened: [UInt64]
        let value: UInt64
    }

    /// One operation's call or return in order of time; a list from which both are lifted while it has happened.
    private struct Event {
        let operation: Int
        let isCall: Bool
        var previous: Int
        var next: Int
    }

    private static let maximumSteps = 2_000_000

    private let operations: [History.Operation]
    /// The first is a sentinel.
    private var events: [Event] = []
    private var returns: [Int]

    /// All of `operations` are on one register, whose first value is 0.
    package static func check(_ operations: [History.Operation]) -> Verdict {
        var checker = LinearizabilityChecker(operations)
        return checker.search()
    }

    /// All registers of a history; the worst verdict.
    package static func check(_ history: History) -> Verdict {
        var verdict = Verdict.linearizable
        for register in 0..<RegisterCommand.registers {
            switch check(history.operations(on: register)) {
            case .violation(let text): return .violation("register \(register): \(text)")
            case .undecided: verdict = .undecided
            case .linearizable: break
            }
        }
        return verdict
    }

    private init(_ operations: [History.Operation]) {
        self.operations = operations
        returns = [Int](repeating: 0, count: operations.count)
        var times: [(time: Int, operation: Int, isCall: Bool)] = []
        for (number, operation) in operations.enumerated() {
            times.append((operation.invoked, number, true))
            // What was not answered may happen after everything else, which is as good as never.
            times.append((operation.returned ?? .max, number, false))
        }
        times.sort { ($0.time, $0.operation, $0.isCall ? 0 : 1) < ($1.time, $1.operation, $1.isCall ? 0 : 1) }
        events = [Event(operation: -1, isCall: false, previous: 0, next: times.isEmpty ? 0 : 1)]
        for (position, time) in times.enumerated() {
            let next = position + 1 < times.count ? position + 2 : 0
            events.append(Event(operation: time.operation, isCall: time.isCall, previous: position, next: next))
            if !time.isCall { returns[time.operation] = position + 1 }
        }
    }

    private mutating func search() -> Verdict {
        var configuration = Configuration(happened: [UInt64](repeating: 0, count: operations.count / 64 + 1), value: 0)
        var tried: Set<Configuration> = []
        var path: [(call: Int, before: UInt64)] = []
        var deepest = (count: -1, text: "")
        var steps = 0
        var position = events[0].next
        while events[0].next != 0 {
            steps += 1
            if steps > Self.maximumSteps { return .undecided }
            let event = events[position]
            if event.isCall {
                if let value = outcome(of: operations[event.operation], on: configuration.value) {
                    var next = Configuration(happened: configuration.happened, value: value)
                    next.happened[event.operation / 64] |= 1 << UInt64(event.operation % 64)
                    if tried.insert(next).inserted {
                        path.append((position, configuration.value))
                        configuration = next
                        lift(call: position)
                        position = events[0].next
                        continue
                    }
                }
                position = event.next
            } else {
                // This one has returned and cannot have happened later: something before was wrong.
                if path.count > deepest.count {
                    deepest = (path.count, explain(event.operation, configuration.value, path.map(\.call)))
                }
                guard let last = path.popLast() else { return .violation(deepest.text) }
                let operation = events[last.call].operation
                configuration.happened[operation / 64] &= ~(1 << UInt64(operation % 64))
                configuration = Configuration(happened: configuration.happened, value: last.before)
                restore(call: last.call)
                position = events[last.call].next
            }
        }
        return .linearizable
    }

    /// The value after it; nil if it cannot have been answered as it was.
    private func outcome(of operation: History.Operation, on value: UInt64) -> UInt64? {
        var after = value
        let (found, wrote) = operation.command.apply(to: &after)
        guard operation.returned != nil else { return after }
        return operation.found == found && operation.wrote == wrote ? after : nil
    }

    private mutating func lift(call: Int) {
        unlink(call)
        unlink(returns[events[call].operation])
    }

    private mutating func restore(call: Int) {
        relink(returns[events[call].operation])
        relink(call)
    }

    private mutating func unlink(_ position: Int) {
        let event = events[position]
        events[event.previous].next = event.next
        if event.next != 0 { events[event.next].previous = event.previous }
    }

    private mutating func relink(_ position: Int) {
        let event = events[position]
        events[event.previous].next = position
        if event.next != 0 { events[event.next].previous = position }
    }

    private func explain(_ operation: Int, _ value: UInt64, _ path: [Int]) -> String {
        let before = path.suffix(3).map { describe(operations[events[$0].operation]) }
        return "\(describe(operations[operation])) does not fit where the value is \(value)"
            + (before.isEmpty ? "" : ", after \(before.joined(separator: ", "))")
    }

    private func describe(_ operation: History.Operation) -> String {
        let command = operation.command
        let what =
            switch command.kind {
            case .get: "get"
            case .put: "put \(command.value)"
            case .compareAndSet: "set \(command.expected) to \(command.value)"
            }
        let answer = operation.found.map { " found \($0)" } ?? " unanswered"
        return
            "client \(operation.client)'s \(what)\(answer) [\(operation.invoked)...\(operation.returned.map(String.init) ?? "")]"
    }
}
