public import Platform

/// What went wrong in this floor: which operation on which object, and the kernel's own words where it had any.
public struct OverlayError: Error, Sendable, CustomStringConvertible {
    /// What a caller may branch on.
    public enum Code: String, Sendable {
        /// Every address of a subnet is in use or quarantined.
        case addressesExhausted
        /// A requested address lies outside its subnet, is reserved or is in use.
        case addressUnavailable
        /// A pool has no free subnet of the wanted length.
        case subnetsExhausted
        /// A requested subnet overlaps another one.
        case subnetOverlaps
        /// Bytes from the kernel are not what netlink(7) promises.
        case malformedMessage
        /// The kernel answered a request with an error; `systemError` says which.
        case kernelRefused
        /// A dump changed under every attempt to read it.
        case dumpInterrupted
        /// An attachment names a network that this node was not told of.
        case unknownNetwork
        /// No sandbox with this task id.
        case unknownSandbox
        /// An attachment's address does not parse or is not in its network.
        case invalidAttachment
    }

    public let code: Code
    public let message: String
    /// The errno and system call underneath, where there is one.
    public let systemError: SystemError?

    public init(_ code: Code, _ message: String, systemError: SystemError? = nil) {
        self.code = code
        self.message = message
        self.systemError = systemError
    }

    /// The errno underneath, or 0.
    public var errno: Int32 { systemError?.errno ?? 0 }

    public var description: String {
        guard let systemError else { return message }
        return "\(message): \(systemError)"
    }
}
