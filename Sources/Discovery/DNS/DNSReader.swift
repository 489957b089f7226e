import Platform

/// A cursor over the bytes of one message. Every read is bounded; nothing in the bytes can make it trap or loop.
struct DNSReader {
    let bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func byte() throws(DNSFormatError) -> UInt8 {
        guard offset < bytes.count else { throw DNSFormatError(.truncated, at: offset) }
        defer { offset += 1 }
        return bytes[offset]
    }

    mutating func uint16() throws(DNSFormatError) -> UInt16 {
        guard bytes.count - offset >= 2 else { throw DNSFormatError(.truncated, at: offset) }
        defer { offset += 2 }
        return UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }

    mutating func uint32() throws(DNSFormatError) -> UInt32 {
        let high = try uint16()
        let low = try uint16()
        return UInt32(high) << 16 | UInt32(low)
    }

    mutating func bytes(_ count: Int) throws(DNSFormatError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else { throw DNSFormatError(.truncated, at: offset) }
        defer { offset += count }
        return bytes[offset..<(offset + count)]
    }

    /// A name, followed through its compression pointers (RFC 1035, 4.1.4). Each pointer must point before everything
    /// read so far of the name, so the walk ends.
    mutating func name() throws(DNSFormatError) -> DomainName {
        var wire: [UInt8] = []
        wire.reserveCapacity(32)
        var position = offset
        var earliest = offset
        var end: Int?
        while true {
            guard position < bytes.count else { throw DNSFormatError(.truncated, at: position) }
            let length = bytes[position]
            switch length & 0xC0 {
            case 0 where length == 0:
                wire.append(0)
                offset = end ?? position + 1
                return DomainName(uncheckedWire: wire)
            case 0:
                let next = position + 1 + Int(length)
                guard next <= bytes.count else { throw DNSFormatError(.truncated, at: position) }
                guard wire.count + Int(length) + 2 <= DomainName.maximumLength else {
                    throw DNSFormatError(.nameTooLong, at: position)
                }
                wire.append(contentsOf: bytes[position..<next])
                position = next
            case 0xC0:
                guard position + 1 < bytes.count else { throw DNSFormatError(.truncated, at: position) }
                let target = Int(length & 0x3F) << 8 | Int(bytes[position + 1])
                guard target < earliest else { throw DNSFormatError(.forwardPointer, at: position) }
                end = end ?? position + 2
                earliest = target
                position = target
            default:
                throw DNSFormatError(.badLabelType, at: position)
            }
        }
    }

    mutating func question() throws(DNSFormatError) -> DNSQuestion {
        let name = try name()
        let type = RecordType(rawValue: try uint16())
        return DNSQuestion(name, type, class: RecordClass(rawValue: try uint16()))
    }

    /// A record that is not OPT, its owner and type already read.
    mutating func record(_ name: DomainName, _ type: RecordType) throws(DNSFormatError) -> ResourceRecord {
        let recordClass = RecordClass(rawValue: try uint16())
        let timeToLive = try uint32()
        let length = Int(try uint16())
        guard length <= bytes.count - offset else { throw DNSFormatError(.truncated, at: offset) }
        let end = offset + length
        let data = try data(of: type, recordClass, endingAt: end)
        guard offset == end else { throw DNSFormatError(.badRecordData, at: offset) }
        return ResourceRecord(name, timeToLive: timeToLive, data, class: recordClass)
    }

    /// An OPT record, its owner and type already read: its fields and the upper eight bits of the response code.
    mutating func edns() throws(DNSFormatError) -> (EDNS, extendedCode: UInt8) {
        let udpPayloadSize = try uint16()
        let extendedCode = try byte()
        let version = try byte()
        let flags = try uint16()
        let length = Int(try uint16())
        guard length <= bytes.count - offset else { throw DNSFormatError(.truncated, at: offset) }
        let end = offset + length
        var options: [EDNS.Option] = []
        while offset < end {
            let code = try uint16()
            let size = Int(try uint16())
            guard size <= end - offset else { throw DNSFormatError(.badRecordData, at: offset) }
            options.append(EDNS.Option(code: code, data: Array(try bytes(size))))
        }
        guard offset == end else { throw DNSFormatError(.badRecordData, at: offset) }
        let edns = EDNS(
            udpPayloadSize: udpPayloadSize, version: version, dnssecOK: flags & 0x8000 != 0, options: options)
        return (edns, extendedCode)
    }

    private mutating func data(
        of type: RecordType, _ recordClass: RecordClass, endingAt end: Int
    ) throws(DNSFormatError) -> RecordData {
        guard recordClass == .internet else { return .other(type: type, bytes: Array(try bytes(end - offset))) }
        switch type {
        case .a:
            guard end - offset == 4 else { throw DNSFormatError(.badRecordData, at: offset) }
            return .a(IPv4Address(value: try uint32()))
        case .aaaa:
            guard end - offset == 16, let address = IPv6Address(bytes: Array(try bytes(16))) else {
                throw DNSFormatError(.badRecordData, at: offset)
            }
            return .aaaa(address)
        case .ns: return .ns(try name())
        case .cname: return .cname(try name())
        case .ptr: return .ptr(try name())
        case .mx:
            let preference = try uint16()
            return .mx(preference: preference, exchange: try name())
        case .srv:
            let priority = try uint16()
            let weight = try uint16()
            let port = try uint16()
            return .srv(priority: priority, weight: weight, port: port, target: try name())
        case .soa: return .soa(try startOfAuthority())
        case .txt:
            var strings: [[UInt8]] = []
            while offset < end {
                let length = Int(try byte())
                guard length <= end - offset else { throw DNSFormatError(.badRecordData, at: offset) }
                strings.append(Array(try bytes(length)))
            }
            return .txt(strings)
        default:
            return .other(type: type, bytes: Array(try bytes(end - offset)))
        }
    }

    private mutating func startOfAuthority() throws(DNSFormatError) -> StartOfAuthority {
        let primary = try name()
        let mailbox = try name()
        let serial = try uint32()
        let refresh = try uint32()
        let retry = try uint32()
        let expire = try uint32()
        return StartOfAuthority(
            primary: primary, mailbox: mailbox, serial: serial, refresh: refresh, retry: retry, expire: expire,
            minimum: try uint32())
    }
}
