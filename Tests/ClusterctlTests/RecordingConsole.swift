import Synchronization

@testable import clusterctl

/// A console that keeps what is printed.
final class RecordingConsole: Sendable {
    private let written = Mutex<(output: [UInt8], error: [UInt8])>(([], []))

    var console: Console {
        Console { [self] stream, bytes in
            written.withLock { if stream == .output { $0.output += bytes } else { $0.error += bytes } }
        }
    }

    var output: String { written.withLock { String(decoding: $0.output, as: UTF8.self) } }
    var error: String { written.withLock { String(decoding: $0.error, as: UTF8.self) } }
}
