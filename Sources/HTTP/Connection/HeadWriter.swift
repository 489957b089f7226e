/// Writes message heads as bytes. Whatever a field holds, it cannot end its line: control characters become spaces.
struct HeadWriter {
    private(set) var bytes: [UInt8] = []

    /// Starts with the status line and `Date`.
    init(_ status: HTTPStatus, capacity: Int) {
        bytes.reserveCapacity(256 + capacity)
        append("HTTP/1.1 ")
        append(decimal: status.code)
        bytes.append(ByteClass.space)
        append(cleaned: status.reason)
        append("\r\nDate: ")
        bytes += HTTPDate.now()
        append("\r\n")
    }

    /// Starts with the request line.
    init(_ method: HTTPMethod, _ target: String, capacity: Int) {
        bytes.reserveCapacity(512 + capacity)
        append(cleaned: method.name)
        bytes.append(ByteClass.space)
        for byte in target.utf8 { bytes.append(ByteClass.isTarget(byte) ? byte : UInt8(ascii: "_")) }
        append(" HTTP/1.1\r\n")
    }

    mutating func field(_ name: String, _ value: String) {
        append(cleaned: name)
        append(": ")
        append(cleaned: value)
        append("\r\n")
    }

    mutating func field(_ line: StaticString) {
        append(line)
        append("\r\n")
    }

    mutating func contentLength(_ length: Int) {
        append("Content-Length: ")
        append(decimal: length)
        append("\r\n")
    }

    /// Every field but those that decide about framing and the connection, which are written apart.
    mutating func fields(_ headers: HTTPHeaders, keepingContentLength: Bool = false) {
        for header in headers {
            switch header.name.utf8.count {
            case 10 where header.name.equalsIgnoringCase("Connection"): continue
            case 14 where !keepingContentLength && header.name.equalsIgnoringCase("Content-Length"): continue
            case 17 where header.name.equalsIgnoringCase("Transfer-Encoding"): continue
            default: field(header.name, header.value)
            }
        }
    }

    /// Ends the head; `body` follows in the same bytes.
    mutating func end(with body: [UInt8] = []) -> [UInt8] {
        append("\r\n")
        bytes += body
        return bytes
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(cleaned text: String) {
        var text = text
        let isClean = text.withUTF8 { utf8 in
            for byte in utf8 where !ByteClass.isFieldValue(byte) { return false }
            bytes.append(contentsOf: utf8)
            return true
        }
        if !isClean {
            for byte in text.utf8 { bytes.append(ByteClass.isFieldValue(byte) ? byte : ByteClass.space) }
        }
    }

    private mutating func append(decimal number: Int) {
        var digits: (count: Int, power: Int) = (1, 1)
        while number / digits.power >= 10, digits.count < 19 { digits = (digits.count + 1, digits.power * 10) }
        var power = digits.power
        while power > 0 {
            bytes.append(0x30 &+ UInt8(truncatingIfNeeded: number / power % 10))
            power /= 10
        }
    }
}
