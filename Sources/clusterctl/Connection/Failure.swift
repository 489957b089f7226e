/// Why a command failed, and what its user may do about it.
struct Failure: Error, CustomStringConvertible {
    /// Exit statuses; 64 and 69 are EX_USAGE and EX_UNAVAILABLE of sysexits.h.
    enum Exit {
        static let failed: Int32 = 1
        static let usage: Int32 = 64
        static let unreachable: Int32 = 69
    }

    var message: String
    /// What to do next.
    var hint: String?
    var exitStatus = Exit.failed

    init(_ message: String, hint: String? = nil, exitStatus: Int32 = Exit.failed) {
        self.message = message
        self.hint = hint
        self.exitStatus = exitStatus
    }

    var description: String { hint.map { "\(message)\n\($0)" } ?? message }
}

/// An error that the daemon answered with.
struct EngineError: Error, CustomStringConvertible {
    /// The HTTP status.
    var status: Int
    var message: String

    var isNotFound: Bool { status == 404 }

    /// Another change came first: what was read is old.
    var isOutOfSequence: Bool { status == 500 && message.contains("out of sequence") }

    /// No manager leads: too few of them reach each other.
    var isWithoutLeader: Bool {
        message.contains("does not have a leader") || message.hasPrefix("No cluster leader: too few")
    }

    var description: String { message }
}
