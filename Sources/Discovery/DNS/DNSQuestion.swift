/// What is asked (RFC 1035, 4.1.2).
public struct DNSQuestion: Hashable, Sendable, CustomStringConvertible {
    public var name: DomainName
    public var type: RecordType
    public var recordClass: RecordClass

    /// A question for records of one type at one name (RFC 1035, 4.1.2).
    public init(_ name: DomainName, _ type: RecordType, class recordClass: RecordClass = .internet) {
        self.name = name
        self.type = type
        self.recordClass = recordClass
    }

    public var description: String { "\(name) \(type)" }
}
