import Model
import Platform

/// A service's convergence in words.
enum ConvergenceView {
    /// The most tasks shown at once where lines are drawn over.
    private static let screenful = 15
    private static let barWidth = 20

    /// Lines to show in place: what does not run yet goes first where not all fits.
    static func screen(_ convergence: Convergence) -> [String] {
        let waiting = convergence.lines.filter { !$0.isDone }
        let shown = convergence.lines.count <= screenful ? convergence.lines : Array(waiting.prefix(screenful))
        var lines = ["\(bar(convergence)) \(summary(convergence))"] + shown.map { "  " + text($0) }
        if shown.count < waiting.count { lines.append("  and \(waiting.count - shown.count) more") }
        return lines
    }

    /// Lines for a log, where each is printed once: every task. What is tried again is told by its failures only.
    static func plain(_ convergence: Convergence) -> [String] {
        convergence.lines.map { line in
            guard !line.isDone, line.failures > 0, line.state != .pending else { return text(line) }
            return "\(line.name)  \(failures(line)): \(line.reason)"
        } + [summary(convergence)]
    }

    static func summary(_ convergence: Convergence) -> String {
        "\(convergence.done) of \(convergence.desired) running"
    }

    /// `web.1  preparing on host1`, with the reason where one is known.
    static func text(_ line: Convergence.Line) -> String {
        var text = "\(line.name)  \(line.state.rawValue)"
        if !line.node.isEmpty { text += " on \(line.node)" }
        if !line.isDone, line.failures > 1 { text += ", \(failures(line))" }
        if !line.isDone, !line.reason.isEmpty { text += ": \(line.reason)" }
        return text
    }

    private static func failures(_ line: Convergence.Line) -> String {
        line.failures == 1 ? "failed once" : "failed \(line.failures) times"
    }

    private static func bar(_ convergence: Convergence) -> String {
        let part = convergence.desired == 0 ? barWidth : convergence.done * barWidth / convergence.desired
        let full = min(barWidth, part)
        return "[" + String(repeating: "=", count: full) + String(repeating: " ", count: barWidth - full) + "]"
    }
}
