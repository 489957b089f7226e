/// What is said first inside TLS: which protocol, its version, and what the connection is for; and whether that may be.
///
/// On the wire, numbers big-endian:
/// ```
/// both          "MARTLET" 0x00, major u16, minor u16
///  client       purpose u8
///  server       verdict u8 (0 welcome, 1 refused), reason: length u8, UTF-8
/// ```
/// A higher minor version is content with a lower one; the lower of the two counts.
enum Greeting {
    static let major: UInt16 = 2
    static let minor: UInt16 = 0
    private static let magic = [UInt8]("MARTLET\0".utf8)
    private static let versionLength = magic.count + 4
    /// Bytes of what a client says.
    static let clientLength = versionLength + 1
    /// Bytes of what a server says, before the reason.
    static let serverLength = versionLength + 2

    private static var version: [UInt8] { magic + Wire.u16(major) + Wire.u16(minor) }

    /// What a client says.
    static func client(_ purpose: ChannelPurpose) -> [UInt8] { version + [purpose.rawValue] }

    /// What a server says: welcome where the reason is nil.
    static func server(refusing reason: String?) -> [UInt8] {
        version + [reason == nil ? 0 : 1] + Wire.short(reason ?? "")
    }

    /// The purpose that a client has.
    static func readClient(_ bytes: [UInt8]) throws(ChannelError) -> (ChannelPurpose, minor: UInt16) {
        let minor = try readVersion(bytes)
        guard bytes.count == clientLength, let purpose = ChannelPurpose(rawValue: bytes[versionLength]) else {
            throw .malformed("greeting: purpose")
        }
        return (purpose, minor)
    }

    /// What a server says but the reason: whether it refuses, and how long the reason is.
    static func readServer(_ bytes: [UInt8]) throws(ChannelError) -> (isRefused: Bool, reasonLength: Int, minor: UInt16)
    {
        let minor = try readVersion(bytes)
        guard bytes.count == serverLength, bytes[versionLength] <= 1 else { throw .malformed("greeting: verdict") }
        return (bytes[versionLength] == 1, Int(bytes[versionLength + 1]), minor)
    }

    private static func readVersion(_ bytes: [UInt8]) throws(ChannelError) -> UInt16 {
        guard bytes.starts(with: magic) else { throw .notMartlet }
        guard let major = Wire.u16(bytes, at: magic.count), let minor = Wire.u16(bytes, at: magic.count + 2) else {
            throw .malformed("greeting: version")
        }
        guard major == Self.major else { throw .version(major: major) }
        return min(minor, Self.minor)
    }
}
