import Glibc
import Platform

/// Where a command's words go.
struct Console: Sendable {
    enum Stream: Sendable { case output, error }

    /// Characters in a line of the terminal; nil where the output goes elsewhere.
    var width: Int?
    /// Whether a person looks on while work is under way: progress is then drawn over, otherwise told line by line.
    var isInteractive: Bool
    private let hasProgress: Bool
    private let sink: @Sendable (Stream, [UInt8]) -> Void

    /// A console of one's own, without progress.
    init(width: Int? = nil, _ sink: @escaping @Sendable (Stream, [UInt8]) -> Void) {
        self.init(width: width, isInteractive: false, hasProgress: false, sink)
    }

    private init(
        width: Int?, isInteractive: Bool, hasProgress: Bool, _ sink: @escaping @Sendable (Stream, [UInt8]) -> Void
    ) {
        self.width = width
        self.isInteractive = isInteractive
        self.hasProgress = hasProgress
        self.sink = sink
    }

    /// This process's standard output and error. Where the output cannot be written any more, the process ends.
    static func standard() -> Console {
        Console(
            width: Terminal.width(STDOUT_FILENO), isInteractive: Terminal.isInteractive(STDERR_FILENO),
            hasProgress: true
        ) { stream, bytes in
            do {
                try Files.write(stream == .output ? STDOUT_FILENO : STDERR_FILENO, bytes)
            } catch {
                exit(1)
            }
        }
    }

    /// Lines about work under way, beside the results.
    func progress() -> Progress? { hasProgress ? Progress(STDERR_FILENO) : nil }

    /// Prints text as it is.
    func write(_ text: String) { sink(.output, Array(text.utf8)) }

    func write(_ bytes: [UInt8], to stream: Stream) { sink(stream, bytes) }

    /// Prints a line.
    func line(_ text: String) { write(text + "\n") }

    /// Prints a line to standard error.
    func warn(_ text: String) { sink(.error, Array((text + "\n").utf8)) }
}
