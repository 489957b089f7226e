/// Writes entries and keys as Consul's JSON, by hand: an encoder takes longer than the rest of a read.
struct EntryJSON {
    private var bytes: [UInt8] = [UInt8(ascii: "[")]
    private(set) var isEmpty = true

    var finished: [UInt8] { bytes + [UInt8(ascii: "]")] }

    mutating func append(_ entry: KeyVersion) {
        begin()
        write(entry)
    }

    /// One of a transaction's results.
    mutating func appendResult(_ entry: KeyVersion) {
        begin()
        text("{\"KV\":")
        write(entry)
        text("}")
    }

    /// One of a watcher's changes.
    mutating func appendChange(_ version: KeyVersion) {
        begin()
        if version.isDeleted { text("{\"Type\":\"delete\",\"KV\":") } else { text("{\"Type\":\"set\",\"KV\":") }
        write(version)
        text("}")
    }

    /// One of a transaction's errors.
    mutating func appendFailure(_ operation: Int, _ what: String) {
        begin()
        text("{\"OpIndex\":")
        number(UInt64(clamping: operation))
        text(",\"What\":")
        string(Array(what.utf8)[...])
        text("}")
    }

    private mutating func write(_ entry: KeyVersion) {
        let (key, value) = (entry.key, entry.value)
        bytes.reserveCapacity(bytes.count + key.count + value.count * 4 / 3 + 160)
        text("{\"LockIndex\":")
        number(entry.lock)
        text(",\"Key\":")
        string(key)
        text(",\"Flags\":")
        number(entry.flags)
        text(",\"Value\":")
        if value.isEmpty {
            text("null")
        } else {
            text("\"")
            Base64.append(value, to: &bytes)
            text("\"")
        }
        if entry.isHeld {
            text(",\"Session\":")
            string(Array(entry.session.utf8)[...])
        }
        text(",\"CreateIndex\":")
        number(entry.create)
        text(",\"ModifyIndex\":")
        number(entry.modify)
        text("}")
    }

    mutating func append(_ key: String) {
        begin()
        string(Array(key.utf8)[...])
    }

    private mutating func begin() {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
    }

    private mutating func text(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func number(_ number: UInt64) {
        if number < 10 { return bytes.append(0x30 + UInt8(number)) }
        bytes.append(contentsOf: String(number).utf8)
    }

    private mutating func string(_ utf8: ArraySlice<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                text("\\u00")
                bytes += [Self.hex(byte >> 4), Self.hex(byte & 15)]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func hex(_ nibble: UInt8) -> UInt8 { nibble < 10 ? nibble + 0x30 : nibble + 0x57 }
}
