internal import Glibc

/// The owner of a file descriptor: closes it when it goes out of scope.
public struct Descriptor: ~Copyable, Sendable {
    /// The descriptor's number; valid for as long as the owner lives.
    public let rawValue: Int32

    /// Takes over a descriptor; the caller no longer closes it.
    public init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "a descriptor is not negative")
        self.rawValue = rawValue
    }

    /// Gives the descriptor away without closing it.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    deinit {
        // After EINTR Linux has closed the descriptor all the same (close(2)): never retried.
        _ = Glibc.close(rawValue)
    }
}
