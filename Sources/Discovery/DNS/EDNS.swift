/// The OPT pseudo-record (RFC 6891): what the sender can take, and bits that did not fit the header.
///
/// The upper bits of the response code are in `DNSMessage.responseCode`.
public struct EDNS: Equatable, Sendable {
    /// An option: its code and its bytes.
    public struct Option: Equatable, Sendable {
        public var code: UInt16
        public var data: [UInt8]

        public init(code: UInt16, data: [UInt8]) {
            self.code = code
            self.data = data
        }
    }

    /// Bytes of the largest UDP datagram that the sender takes.
    public var udpPayloadSize: UInt16
    public var version: UInt8
    /// DNSSEC OK (RFC 3225).
    public var dnssecOK: Bool
    public var options: [Option]

    public init(udpPayloadSize: UInt16, version: UInt8 = 0, dnssecOK: Bool = false, options: [Option] = []) {
        self.udpPayloadSize = udpPayloadSize
        self.version = version
        self.dnssecOK = dnssecOK
        self.options = options
    }

    /// Bytes of the record on the wire.
    var encodedLength: Int { 11 + options.reduce(0) { $0 + 4 + $1.data.count } }
}
