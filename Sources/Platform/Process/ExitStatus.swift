/// How a process ended.
public enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    /// It returned this code, 0 to 255.
    case exited(Int32)
    /// This signal ended it.
    case signaled(Int32)

    /// True for the exit code 0.
    public var isSuccess: Bool { self == .exited(0) }

    /// The code as shells count: that of a signal is 128 more than its number.
    public var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let number): 128 &+ number
        }
    }

    public var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let number): "signal \(number)"
        }
    }
}
