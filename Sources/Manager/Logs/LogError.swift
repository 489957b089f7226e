/// Why a log ended before its end.
enum LogError: Error, Equatable, CustomStringConvertible {
    case readerTooSlow
    case leaderChanged
    case notAllowed

    var description: String {
        switch self {
        case .readerTooSlow: "the reader was slower than the log for \(LogReading.Limits.entries) lines"
        case .leaderChanged: "this manager does not lead the cluster any more: ask again"
        case .notAllowed: "the token that it was read with does not allow that any more"
        }
    }
}
