internal import CLinux

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where there is one.
public enum CRC32C {
    private static let isInHardware = cl_has_crc32c() != 0

    /// The checksum of `bytes`; with `seed` the checksum of earlier bytes, that of all of them together.
    public static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
        guard isInHardware, let base = bytes.baseAddress else { return tableChecksum(bytes, seed: seed) }
        return ~cl_crc32c(~seed, base.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    /// The checksum of `bytes`; with `seed` the checksum of earlier bytes, that of all of them together.
    public static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, seed: seed) }
    }

    /// The checksum of a part of an array.
    public static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBytes { checksum($0, seed: seed) }
    }

    static func tableChecksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32) -> UInt32 {
        var state = ~seed
        for byte in bytes {
            state = table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8)
        }
        return ~state
    }

    /// What each byte does to the register, for the reflected polynomial 0x82f63b78.
    private static let table: [UInt32] = (0..<256).map { byte in
        var state = UInt32(byte)
        for _ in 0..<8 { state = state & 1 == 1 ? (state >> 1) ^ 0x82f6_3b78 : state >> 1 }
        return state
    }
}
