internal import Glibc

/// A failed system call: its errno, its name and what it was about.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The error number as errno(3) names it.
    public let errno: Int32
    /// The system call that failed, as in `connect`.
    public let call: String
    /// The object of the call, as in a path or an address; may be empty.
    public let subject: String

    public init(errno: Int32, call: String, subject: String = "") {
        self.errno = errno
        self.call = call
        self.subject = subject
    }

    /// The error of the system call that has just failed on this thread.
    public static func last(_ call: String, _ subject: String = "") -> SystemError {
        SystemError(errno: Glibc.errno, call: call, subject: subject)
    }

    public var description: String {
        let object = subject.isEmpty ? "" : " \(subject)"
        return "\(call)\(object): \(reason)"
    }

    /// What strerror(3) says of the error number.
    public var reason: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "errno \(errno)" }
            base[0] = 0
            guard strerror_r(errno, base, buffer.count) == 0 else { return "errno \(errno)" }
            return String(cString: base)
        }
    }
}

/// Throws when the result of a system call is -1 and returns it otherwise; retries are the caller's.
@discardableResult
public func checked(
    _ result: Int32, _ call: String, _ subject: @autoclosure () -> String = ""
) throws(SystemError) -> Int32 {
    if result == -1 {
        let number = Glibc.errno
        throw SystemError(errno: number, call: call, subject: subject())
    }
    return result
}

/// Throws when the result of a system call that counts bytes is -1 and returns it otherwise.
@discardableResult
public func checked(_ result: Int, _ call: String, _ subject: @autoclosure () -> String = "") throws(SystemError) -> Int
{
    if result == -1 {
        let number = Glibc.errno
        throw SystemError(errno: number, call: call, subject: subject())
    }
    return result
}
