/// Writes entries and keys as Consul's JSON, by hand: an encoder takes longer than the rest of a read.
struct EntryJSON {
    private var bytes: [UInt8] = [UInt8(ascii: "[")]
    private(set) var isEmpty = true

    var finished: [UInt8] { bytes + [UInt8(ascii: "]")] }

    mutating func append(_ entry: KeyVersion) {
        begin()
        bytes.reserveCapacity(bytes.count + entry.key.count + entry.value.count * 4 / 3 + 160)
        text("{\"LockIndex\":\(entry.lock),\"Key\":")
        string(entry.key)
        text(",\"Flags\":\(entry.flags),\"Value\":")
        if entry.value.isEmpty { text("null") } else { base64(entry.value) }
        if entry.isHeld {
            text(",\"Session\":")
            string(Array(entry.session.utf8)[...])
        }
        text(",\"CreateIndex\":\(entry.create),\"ModifyIndex\":\(entry.modify)}")
    }

    mutating func append(_ key: String) {
        begin()
        string(Array(key.utf8)[...])
    }

    private mutating func begin() {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
    }

    private mutating func text(_ text: String) { bytes.append(contentsOf: text.utf8) }

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

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// RFC 4648 section 4.
    private mutating func base64(_ value: ArraySlice<UInt8>) {
        let alphabet = Self.alphabet
        bytes.append(UInt8(ascii: "\""))
        var index = value.startIndex
        while value.endIndex - index >= 3 {
            let group = UInt32(value[index]) << 16 | UInt32(value[index + 1]) << 8 | UInt32(value[index + 2])
            for shift in [18, 12, 6, 0] as [UInt32] { bytes.append(alphabet[Int(group >> shift & 63)]) }
            index += 3
        }
        if value.endIndex - index == 1 {
            let group = UInt32(value[index]) << 16
            bytes += [alphabet[Int(group >> 18 & 63)], alphabet[Int(group >> 12 & 63)], 0x3d, 0x3d]
        } else if value.endIndex - index == 2 {
            let group = UInt32(value[index]) << 16 | UInt32(value[index + 1]) << 8
            bytes += [18, 12, 6].map { alphabet[Int(group >> $0 & 63)] } + [0x3d]
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
