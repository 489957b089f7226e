public import Platform

/// One record of an answer (RFC 1035, 3.2.1).
public struct ResourceRecord: Hashable, Sendable {
    public var name: DomainName
    public var recordClass: RecordClass
    /// For how many seconds it may be kept.
    public var timeToLive: UInt32
    public var data: RecordData

    public init(
        _ name: DomainName, timeToLive: UInt32, _ data: RecordData, class recordClass: RecordClass = .internet
    ) {
        self.name = name
        self.recordClass = recordClass
        self.timeToLive = timeToLive
        self.data = data
    }

    public var type: RecordType { data.type }
}

/// What a record says, for the types spoken here; any other is carried as it came.
public enum RecordData: Hashable, Sendable {
    case a(IPv4Address)
    /// RFC 3596.
    case aaaa(IPv6Address)
    case ns(DomainName)
    case cname(DomainName)
    case ptr(DomainName)
    case mx(preference: UInt16, exchange: DomainName)
    /// Strings of at most 255 bytes each.
    case txt([[UInt8]])
    /// RFC 2782: the target is never compressed.
    case srv(priority: UInt16, weight: UInt16, port: UInt16, target: DomainName)
    case soa(StartOfAuthority)
    case other(type: RecordType, bytes: [UInt8])

    public var type: RecordType {
        switch self {
        case .a: .a
        case .aaaa: .aaaa
        case .ns: .ns
        case .cname: .cname
        case .ptr: .ptr
        case .mx: .mx
        case .txt: .txt
        case .srv: .srv
        case .soa: .soa
        case .other(let type, _): type
        }
    }
}

/// The fields of a SOA record (RFC 1035, 3.3.13); times in seconds.
public struct StartOfAuthority: Hashable, Sendable {
    public var primary: DomainName
    public var mailbox: DomainName
    public var serial: UInt32
    public var refresh: UInt32
    public var retry: UInt32
    public var expire: UInt32
    /// For how long a negative answer may be kept (RFC 2308).
    public var minimum: UInt32

    public init(
        primary: DomainName, mailbox: DomainName, serial: UInt32, refresh: UInt32, retry: UInt32, expire: UInt32,
        minimum: UInt32
    ) {
        self.primary = primary
        self.mailbox = mailbox
        self.serial = serial
        self.refresh = refresh
        self.retry = retry
        self.expire = expire
        self.minimum = minimum
    }
}
