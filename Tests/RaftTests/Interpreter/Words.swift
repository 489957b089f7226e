@testable import Raft

/// What is left of a line of a scenario.
struct Words {
    private var rest: ArraySlice<String>

    init(_ line: String) { rest = line.split(separator: " ").map(String.init)[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func take(_ what: String) throws(ScenarioError) -> String {
        guard let word = rest.popFirst() else { throw ScenarioError("\(what) is missing") }
        return word
    }

    /// Takes `word` if it is next.
    mutating func has(_ word: String) -> Bool {
        guard rest.first == word else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(_ what: String) throws(ScenarioError) -> UInt64 {
        let word = try take(what)
        guard let number = UInt64(word) else { throw ScenarioError("\(what) is a number, not '\(word)'") }
        return number
    }

    /// As many numbers as follow, perhaps none.
    mutating func numbers() -> [UInt64] {
        var numbers: [UInt64] = []
        while let word = rest.first, let number = UInt64(word) {
            numbers.append(number)
            rest.removeFirst()
        }
        return numbers
    }

    mutating func member() throws(ScenarioError) -> NodeID { NodeID(try number("a member")) }

    mutating func members() -> [NodeID] { numbers().map { NodeID($0) } }

    /// A duration such as `300ms`.
    mutating func milliseconds() throws(ScenarioError) -> UInt64 {
        let word = try take("a time")
        guard word.hasSuffix("ms"), let number = UInt64(word.dropLast(2)) else {
            throw ScenarioError("a time looks like 300ms, not '\(word)'")
        }
        return number
    }

    func end() throws(ScenarioError) {
        guard let word = rest.first else { return }
        throw ScenarioError("'\(word)' is not understood here")
    }
}
