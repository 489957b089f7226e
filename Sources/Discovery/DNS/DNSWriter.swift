import Platform

/// Appends the parts of one message, compressing names, and never beyond `limit` bytes.
struct DNSWriter {
    /// Offsets of names that later names may point into; more are not remembered, as the search is linear.
    private static let maximumRememberedNames = 64

    private(set) var bytes: [UInt8] = []
    /// Bytes that the message may have.
    let limit: Int
    private var nameOffsets: [Int] = []

    init(limit: Int) {
        self.limit = limit
        bytes.reserveCapacity(min(limit, 512))
    }

    mutating func append(_ value: UInt8) {
        bytes.append(value)
    }

    mutating func append(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append(_ value: UInt32) {
        append(UInt16(truncatingIfNeeded: value >> 16))
        append(UInt16(truncatingIfNeeded: value))
    }

    mutating func append(contentsOf values: some Collection<UInt8>) {
        bytes.append(contentsOf: values)
    }

    /// Overwrites two bytes written before.
    mutating func set(_ value: UInt16, at offset: Int) {
        bytes[offset] = UInt8(truncatingIfNeeded: value >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: value)
    }

    /// Writes `name`, ending in a pointer where a suffix of it was written before (RFC 1035, 4.1.4).
    mutating func append(_ name: DomainName, compressed: Bool = true) {
        // Remembered only at the end: a name half written has no end to be compared with.
        var own: [Int] = []
        defer { nameOffsets += own.prefix(DNSWriter.maximumRememberedNames - nameOffsets.count) }
        var position = 0
        while name.wire[position] != 0 {
            if compressed, let target = nameOffsets.first(where: { matches(name.wire[position...], at: $0) }) {
                append(UInt16(0xC000 | target))
                return
            }
            if bytes.count <= 0x3FFF {
                own.append(bytes.count)
            }
            let next = position + 1 + Int(name.wire[position])
            bytes.append(contentsOf: name.wire[position..<next])
            position = next
        }
        bytes.append(0)
    }

    mutating func append(_ question: DNSQuestion) {
        append(question.name)
        append(question.type.rawValue)
        append(question.recordClass.rawValue)
    }

    /// Writes the record if it fits into the limit less `reserve` bytes; otherwise leaves all as it was.
    mutating func appendIfFitting(_ record: ResourceRecord, reserve: Int) -> Bool {
        let start = bytes.count
        let remembered = nameOffsets.count
        append(record.name)
        append(record.type.rawValue)
        append(record.recordClass.rawValue)
        append(record.timeToLive)
        let lengthOffset = bytes.count
        append(UInt16(0))
        append(record.data)
        let length = bytes.count - lengthOffset - 2
        guard bytes.count + reserve <= limit, let dataLength = UInt16(exactly: length) else {
            bytes.removeSubrange(start...)
            nameOffsets.removeSubrange(remembered...)
            return false
        }
        set(dataLength, at: lengthOffset)
        return true
    }

    mutating func append(_ edns: EDNS, extendedCode: UInt8) {
        append(UInt8(0))
        append(RecordType.opt.rawValue)
        append(edns.udpPayloadSize)
        append(extendedCode)
        append(edns.version)
        append(UInt16(edns.dnssecOK ? 0x8000 : 0))
        append(UInt16(truncatingIfNeeded: edns.encodedLength - 11))
        for option in edns.options {
            append(option.code)
            append(UInt16(truncatingIfNeeded: option.data.count))
            append(contentsOf: option.data)
        }
    }

    private mutating func append(_ data: RecordData) {
        switch data {
        case .a(let address): append(address.value)
        case .aaaa(let address): append(contentsOf: address.bytes)
        case .ns(let name), .cname(let name), .ptr(let name): append(name)
        case .mx(let preference, let exchange):
            append(preference)
            append(exchange)
        case .srv(let priority, let weight, let port, let target):
            append(priority)
            append(weight)
            append(port)
            append(target, compressed: false)
        case .txt(let strings):
            for string in strings {
                append(UInt8(truncatingIfNeeded: min(string.count, 255)))
                append(contentsOf: string.prefix(255))
            }
        case .soa(let authority):
            append(authority.primary)
            append(authority.mailbox)
            append(authority.serial)
            append(authority.refresh)
            append(authority.retry)
            append(authority.expire)
            append(authority.minimum)
        case .other(_, let bytes): append(contentsOf: bytes)
        }
    }

    /// Whether the name written at `offset` is spelt exactly as `wire`.
    private func matches(_ wire: ArraySlice<UInt8>, at offset: Int) -> Bool {
        var written = offset
        var wanted = wire.startIndex
        while true {
            while bytes[written] & 0xC0 == 0xC0 {
                written = Int(bytes[written] & 0x3F) << 8 | Int(bytes[written + 1])
            }
            let length = Int(bytes[written])
            guard length == Int(wire[wanted]) else { return false }
            if length == 0 { return true }
            for index in 1...length where bytes[written + index] != wire[wanted + index] {
                return false
            }
            written += 1 + length
            wanted += 1 + length
        }
    }
}
