/// What happened, in order: always as one running number, and as lines if asked for. Two runs of a seed must agree in both.
package final class Trace {
    package private(set) var digest: UInt64 = 0
    package private(set) var lines: [String] = []
    package let isRecording: Bool

    package init(isRecording: Bool) { self.isRecording = isRecording }

    func note(_ kind: StaticString, _ numbers: UInt64...) {
        for number in numbers { mix(number) }
        mix(UInt64(kind.utf8CodeUnitCount))
        if isRecording {
            lines.append("\(kind) " + numbers.map { String($0, radix: 16) }.joined(separator: " "))
        }
    }

    /// A line for people only.
    func explain(_ line: @autoclosure () -> String) {
        if isRecording { lines.append("    " + line()) }
    }

    private func mix(_ number: UInt64) {
        digest = (digest ^ number) &* 0x9fb2_1c65_1e98_df25
        digest ^= digest >> 28
    }
}
