/// Why bytes are not a DNS message, or a text is not a domain name.
public struct DNSFormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was wrong.
    public enum Reason: String, Sendable {
        case truncated = "message ends early"
        case labelTooLong = "label longer than 63 bytes"
        case nameTooLong = "name longer than 255 bytes"
        case emptyLabel = "empty label"
        case badEscape = "bad escape in name"
        case badLabelType = "label type neither plain nor pointer"
        case forwardPointer = "compression pointer does not point backwards"
        case badRecordData = "record data does not match its length"
        case duplicateOPT = "more than one OPT record"
        case misplacedOPT = "OPT record not at the root or outside the additional section"
        case trailingBytes = "bytes after the last record"
        case messageTooLong = "message longer than 65535 bytes"
    }

    public let reason: Reason
    /// Offset in bytes of the message (or of the text) where it was noticed.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String { "DNS: \(reason.rawValue) at byte \(offset)" }
}
