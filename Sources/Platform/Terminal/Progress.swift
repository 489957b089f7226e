internal import Synchronization

/// Lines about work under way: rewritten in place on a terminal; elsewhere each change is a line of its own.
public final class Progress: Sendable {
    private struct State: Sendable {
        var shown: [String] = []
    }

    private let state = Mutex(State())
    private let isInteractive: Bool
    private let width: Int
    private let output: @Sendable (String) -> Void

    /// Progress on a descriptor, standard error by default, so that the result on standard output can be piped.
    public init(_ descriptor: Int32 = 2) {
        isInteractive = Terminal.isInteractive(descriptor)
        width = Terminal.width(descriptor) ?? Terminal.standardWidth
        output = { Terminal.write($0, to: descriptor) }
    }

    init(isInteractive: Bool, width: Int, output: @escaping @Sendable (String) -> Void) {
        self.isInteractive = isInteractive
        self.width = width
        self.output = output
    }

    /// Shows these lines instead of the former ones.
    public func show(_ lines: [String]) {
        let lines = lines.map(Terminal.harmless)
        let former = state.withLock { state in
            defer { state.shown = lines }
            return state.shown
        }
        if former == lines { return }
        if isInteractive {
            output(Self.erasure(former.count) + lines.map { Terminal.truncated($0, to: width - 1) + "\n" }.joined())
        } else {
            let known = Set(former)
            output(lines.filter { !known.contains($0) }.map { $0 + "\n" }.joined())
        }
    }

    /// Takes the lines away from a terminal; elsewhere what was written stays.
    public func clear() {
        let former = state.withLock { state in
            defer { state.shown = [] }
            return state.shown
        }
        if isInteractive && !former.isEmpty { output(Self.erasure(former.count)) }
    }

    /// Leaves the lines and goes on below them.
    public func finish() { state.withLock { $0.shown = [] } }

    /// Up so many lines, to the first column, and all below erased (ECMA-48: CPL, ED).
    private static func erasure(_ lines: Int) -> String { lines == 0 ? "" : "\u{1b}[\(lines)F\u{1b}[J" }
}
